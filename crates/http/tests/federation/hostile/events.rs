//! Events that the rules of the room don't allow, or that cite what can't allow them.

use rohrpost_room::Pdu;
use rohrpost_testkit::{EventStatus, ForeignRoom};
use ruma::{RoomId, events::StateEventType};
use serde_json::{Value, json};

use super::{Scene, scenes, value};

/// The ids of the events by which a member may write.
fn auth_of(room: &ForeignRoom, user: &str) -> Vec<String> {
    let keys = [
        ("m.room.create", ""),
        ("m.room.power_levels", ""),
        ("m.room.member", user),
    ];
    let is_cited = |kind: &str| kind != "m.room.create" || room.version.as_str() != "12";
    keys.into_iter()
        .filter(|(kind, _)| is_cited(kind))
        .map(|(kind, key)| room.state[&(kind.into(), key.to_owned())].event_id().to_string())
        .collect()
}

/// Sends an event that must not become part of the room; answers what is kept of it.
async fn refused(scene: &Scene, pdu: &Pdu) -> Option<EventStatus> {
    scene.send(&[value(pdu)]).await;
    scene.is_hidden(pdu.event_id()).await;
    let room_id = RoomId::parse(&scene.room_id).expect("a room id");
    let kept = scene.server.kept(&room_id, pdu.event_id()).await;
    kept.map(|kept| kept.status)
}

#[tokio::test]
async fn auth_events_that_may_not_allow_an_event_get_it_rejected() {
    scenes(async |scene: &mut Scene| {
        let mallory = scene.mallory.clone();
        let first = scene.room.text(&mallory, "first");
        scene.accepted(&[&first]).await;
        let auth = auth_of(&scene.room, &mallory);
        // Of another room that the hostile server is in, too.
        let body = json!({ "preset": "public_chat", "room_version": scene.room.version });
        let elsewhere = scene.anna.create_room(body).await;
        let mut other = scene.evil.room_of(&scene.server, &elsewhere).await;
        let joined = other.member(&mallory, &mallory, "join");
        scene.accepted(&[&joined]).await;
        // Rejected by itself: he has no power to do so.
        let key = (StateEventType::RoomName, String::new());
        let text = scene.room.clone().text(&mallory, "text");
        let named = scene.room.resign(&text, |event| {
            event["type"] = json!("m.room.name");
            event["state_key"] = json!("");
            event["content"] = json!({ "name": "Mine" });
        });
        assert_eq!(refused(scene, &named).await, Some(EventStatus::Rejected));
        assert!(!scene.room.state.contains_key(&key));

        let with = |more: &[&str]| {
            let mut auth = auth.clone();
            auth.extend(more.iter().map(|id| (*id).to_owned()));
            json!(auth)
        };
        let others = other.state[&(StateEventType::RoomMember, mallory.clone())].event_id();
        let rules = scene.room.state[&(StateEventType::RoomJoinRules, String::new())].event_id();
        let anna = scene.room.state[&(StateEventType::RoomMember, scene.anna.id.to_string())].event_id();
        let nobody = format!("${}", "A".repeat(43));
        let many: Vec<String> = (10..22)
            .map(|number| format!("${}{number}", "A".repeat(41)))
            .collect();
        // What is cited, and what must become of the event: without a mark nothing at all is kept.
        let cases: [(&str, Value, Option<EventStatus>); 11] = [
            ("another room's", with(&[others.as_str()]), None),
            (
                "a rejected one",
                with(&[named.event_id().as_str()]),
                Some(EventStatus::Rejected),
            ),
            (
                "a message",
                with(&[first.event_id().as_str()]),
                Some(EventStatus::Rejected),
            ),
            ("one twice", with(&[&auth[0]]), Some(EventStatus::Rejected)),
            (
                "what doesn't allow it",
                with(&[rules.as_str()]),
                Some(EventStatus::Rejected),
            ),
            (
                "somebody else",
                with(&[anna.as_str()]),
                Some(EventStatus::Rejected),
            ),
            ("what isn't there", with(&[&nobody]), None),
            ("more than ten", json!(many), None),
            ("what is no id", with(&["$not-base64"]), None),
            ("what is no text", json!([7, null, {}]), None),
            ("none", json!([]), Some(EventStatus::Rejected)),
        ];
        for (number, (what, auth_events, expected)) in cases.into_iter().enumerate() {
            let text = scene.room.clone().text(&mallory, &format!("case {number}"));
            let mut event = value(&text);
            event["auth_events"] = auth_events;
            let (event_id, event) = scene.evil.sign_as(scene.evil.name(), &scene.room.version, event);
            scene.send(&[event]).await;
            scene.is_hidden(&event_id).await;
            let room_id = scene.room.room_id.clone();
            let kept = scene.server.kept(&room_id, &event_id).await;
            assert_eq!(kept.map(|kept| kept.status), expected, "{what}");
        }
        let good = scene.room.text(&mallory, "as it should be");
        let same = scene
            .room
            .resign(&good, |event| event["auth_events"] = json!(auth));
        scene.accepted(&[&same]).await;
        assert_eq!(scene.texts().await, ["first", "as it should be"]);
    })
    .await;
}

#[tokio::test]
async fn a_rejected_event_comes_back_by_no_way() {
    scenes(async |scene: &mut Scene| {
        let mallory = scene.mallory.clone();
        let text = scene.room.clone().text(&mallory, "text");
        let bad = scene.room.resign(&text, |event| {
            event["type"] = json!("m.room.power_levels");
            event["state_key"] = json!("");
            event["content"] = json!({ "users": { &mallory: 100 } });
        });
        assert_eq!(refused(scene, &bad).await, Some(EventStatus::Rejected));
        // Again, and as what another one cites.
        assert_eq!(refused(scene, &bad).await, Some(EventStatus::Rejected));
        let mut cites = auth_of(&scene.room, &mallory);
        let place = if scene.room.version.as_str() == "12" { 0 } else { 1 };
        cites[place] = bad.event_id().to_string();
        let citing = scene.room.resign(&text, |event| {
            event["prev_events"] = json!([bad.event_id()]);
            event["auth_events"] = json!(cites);
        });
        assert_eq!(refused(scene, &citing).await, Some(EventStatus::Rejected));
        // As part of the state at a gap, where another server says so.
        let lost = scene.room.text(&mallory, "lost");
        let found = scene.room.text(&mallory, "found");
        let key = (StateEventType::RoomPowerLevels, String::new());
        let mut state: Vec<_> = scene.room.state.iter().filter(|(at, _)| **at != key).collect();
        state.retain(|(_, event)| event.event_id() != lost.event_id());
        let mut ids: Vec<_> = state
            .iter()
            .map(|(_, event)| event.event_id().to_string())
            .collect();
        ids.push(bad.event_id().to_string());
        scene.evil.answers(
            "GET /_matrix/federation/v1/state_ids/",
            json!({ "pdu_ids": ids, "auth_chain_ids": [bad.event_id()] }),
        );
        scene.evil.gives(lost.event_id(), &value(&lost));
        scene.evil.gives(bad.event_id(), &value(&bad));
        let answer = scene.send(&[value(&found)]).await;
        scene.is_hidden(bad.event_id()).await;
        scene.is_hidden(citing.event_id()).await;
        assert_eq!(
            scene.state("m.room.power_levels", "").await["users"][&mallory],
            Value::Null,
            "{answer}"
        );
        // Other servers aren't given it with the state either.
        let at = scene.anna.send_text(&scene.room_id, "here").await;
        for question in ["state", "state_ids", "event_auth"] {
            let room = rohrpost_testkit::enc(&scene.room_id);
            let at = rohrpost_testkit::enc(&at);
            let path = match question {
                "event_auth" => format!("/_matrix/federation/v1/event_auth/{room}/{at}"),
                _ => format!("/_matrix/federation/v1/{question}/{room}?event_id={at}"),
            };
            let (status, told) = scene.honest.ask(&scene.server, "GET", &path, None).await;
            assert_eq!(status, 200, "{told}");
            assert!(!told.to_string().contains(bad.event_id().as_str()), "{question}");
        }
        // The way itself works.
        assert!(scene.sees(found.event_id()).await);
    })
    .await;
}

#[tokio::test]
async fn create_events_are_made_once_and_found_their_own_room() {
    scenes(async |scene: &mut Scene| {
        let create = (StateEventType::RoomCreate, String::new());
        let first = value(&scene.room.state[&create]);
        let mallory = scene.mallory.clone();
        let version = scene.room.version.clone();
        let forged = |change: &dyn Fn(&mut Value)| {
            let mut event = first.clone();
            event["sender"] = json!(mallory);
            if version.as_str() == "10" {
                event["content"]["creator"] = json!(mallory);
            }
            change(&mut event);
            scene.evil.sign_as(scene.evil.name(), &version, event)
        };
        let room_id = json!(scene.room_id);
        let heads = json!(scene.room.heads);
        let auth = json!(auth_of(&scene.room, &mallory));
        let cases = [
            // A version 12 create event names no room; one of version 11 must be the first of its own server's.
            forged(&|event| event["room_id"] = room_id.clone()),
            forged(&|event| {
                event["room_id"] = room_id.clone();
                event["prev_events"] = heads.clone();
            }),
            forged(&|event| {
                event["room_id"] = room_id.clone();
                event["prev_events"] = heads.clone();
                event["auth_events"] = auth.clone();
                event["content"]["additional_creators"] = json!([mallory]);
            }),
            forged(&|event| drop(event.as_object_mut().expect("an object").remove("room_id"))),
        ];
        for (event_id, event) in cases {
            scene.send(&[event]).await;
            scene.is_hidden(&event_id).await;
        }
        let (_, now) = scene
            .anna
            .get(&scene.path("state/m.room.create/?format=event"))
            .await;
        assert_eq!(now["sender"], json!(scene.anna.id), "{now}");
        let text = scene.room.text(&mallory, "as it should be");
        scene.accepted(&[&text]).await;
    })
    .await;
}

#[tokio::test]
async fn memberships_of_others_are_changed_only_as_the_rules_allow() {
    scenes(async |scene: &mut Scene| {
        let (anna, clara, mallory) = (
            scene.anna.id.to_string(),
            scene.clara.clone(),
            scene.mallory.clone(),
        );
        let own = scene.room.clone().member(&mallory, &mallory, "join");
        let berta = scene.server.user("berta").await;
        // Who is said to do what to whom, signed by the hostile server.
        let cases = [
            (&mallory, &anna, "leave"),
            (&mallory, &anna, "ban"),
            (&mallory, &clara, "leave"),
            (&mallory, &clara, "ban"),
            (&mallory, &clara, "knock"),
            (&anna, &anna, "leave"),
            (&clara, &clara, "leave"),
            (&anna, &clara, "ban"),
            (&clara, &mallory, "invite"),
            (&mallory, &berta.id.to_string(), "join"),
        ];
        for (sender, target, membership) in cases {
            let forged = scene.room.resign(&own, |event| {
                event["sender"] = json!(sender);
                event["state_key"] = json!(target);
                event["content"] = json!({ "membership": membership });
                let keys = [
                    ("m.room.power_levels", ""),
                    ("m.room.member", &**sender),
                    ("m.room.member", &**target),
                ];
                let mut auth: Vec<String> = Vec::new();
                if scene.room.version.as_str() != "12" {
                    auth.push(
                        scene.room.state[&(StateEventType::RoomCreate, String::new())]
                            .event_id()
                            .to_string(),
                    );
                }
                for (kind, key) in keys {
                    let known = scene.room.state.get(&(kind.into(), key.to_owned()));
                    auth.extend(known.map(|event| event.event_id().to_string()));
                }
                auth.dedup();
                event["auth_events"] = json!(auth);
            });
            refused(scene, &forged).await;
            for person in [&anna, &clara] {
                let now = scene.state("m.room.member", person).await;
                assert_eq!(now["membership"], "join", "{sender} {target} {membership}");
            }
            assert_eq!(scene.state("m.room.member", berta.id.as_str()).await, Value::Null);
        }
        // With the power to do so, it works.
        scene.empower(50).await;
        let banned = scene.room.member(&mallory, berta.id.as_str(), "ban");
        scene.accepted(&[&banned]).await;
        assert_eq!(
            scene.state("m.room.member", berta.id.as_str()).await["membership"],
            "ban"
        );
    })
    .await;
}
