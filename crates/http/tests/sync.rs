//! Sync v3 on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

use crate::figures::{Figures, SYNCS_WAITING};

fn since(answer: &Value) -> String {
    answer["next_batch"].as_str().expect("a token").to_owned()
}

fn bodies(answer: &Value, room: &str) -> Vec<String> {
    let events = answer["rooms"]["join"][room]["timeline"]["events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    events
        .iter()
        .filter_map(|event| event["content"]["body"].as_str().map(str::to_owned))
        .collect()
}

async fn filtered(user: &User, filter: Value, since: Option<&str>) -> Value {
    let since = since
        .map(|since| format!("&since={}", enc(since)))
        .unwrap_or_default();
    let path = format!(
        "/_matrix/client/v3/sync?timeout=0&filter={}{since}",
        enc(&filter.to_string())
    );
    let (status, answer) = user.get(&path).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

#[tokio::test]
async fn every_event_comes_once_and_in_order() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let mut token = since(&bob.sync(None).await);
        let mut got = Vec::new();
        for number in 0..12 {
            alice.send_text(&room, &format!("{number}")).await;
            if number % 3 == 2 {
                let answer = bob.sync(Some(&token)).await;
                token = since(&answer);
                got.extend(bodies(&answer, &room));
            }
        }
        assert_eq!(got, (0..12).map(|number| number.to_string()).collect::<Vec<_>>());
        let nothing = bob.sync(Some(&token)).await;
        assert_eq!(nothing["rooms"], Value::Null);
        assert_eq!(since(&nothing), token);
    })
    .await;
}

#[tokio::test]
async fn a_gap_is_marked_and_can_be_filled() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        for number in 0..30 {
            alice.send_text(&room, &format!("{number}")).await;
        }
        alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "in the gap" }))
            .await;
        for number in 30..40 {
            alice.send_text(&room, &format!("{number}")).await;
        }
        let filter = json!({ "room": { "timeline": { "limit": 5 } } });
        let answer = filtered(&bob, filter, Some(&token)).await;
        let joined = &answer["rooms"]["join"][&room];
        assert_eq!(joined["timeline"]["limited"], true);
        assert_eq!(bodies(&answer, &room), ["35", "36", "37", "38", "39"]);
        assert_eq!(joined["state"]["events"][0]["content"]["topic"], "in the gap");
        let from = joined["timeline"]["prev_batch"].as_str().expect("a token");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100&from={}&to={}",
            enc(&room),
            enc(from),
            enc(&token)
        );
        let (_, page) = bob.get(&path).await;
        let chunk = page["chunk"].as_array().expect("events");
        let mut filled: Vec<_> = chunk
            .iter()
            .filter_map(|event| event["content"]["body"].as_str())
            .collect();
        filled.reverse();
        assert_eq!(
            filled,
            (0..35).map(|number| number.to_string()).collect::<Vec<_>>()
        );
    })
    .await;
}

#[tokio::test]
async fn an_invitation_shows_what_it_is_and_a_join_brings_the_whole_room() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let token = since(&bob.sync(None).await);
        let room = alice
            .create_room(json!({ "name": "Bauamt", "invite": [bob.id] }))
            .await;
        let answer = bob.sync(Some(&token)).await;
        let stripped = answer["rooms"]["invite"][&room]["invite_state"]["events"]
            .as_array()
            .expect("state")
            .clone();
        let has = |kind: &str, key: &str| {
            stripped
                .iter()
                .any(|event| event["type"] == kind && event["state_key"] == key)
        };
        assert!(has("m.room.name", "") && has("m.room.create", "") && has("m.room.join_rules", ""));
        assert!(has("m.room.member", bob.id.as_str()) && has("m.room.member", alice.id.as_str()));
        assert!(stripped.iter().all(|event| event.get("event_id").is_none()));

        bob.join(&room).await;
        let answer = bob.sync(Some(&since(&answer))).await;
        let joined = &answer["rooms"]["join"][&room];
        let all: Vec<&Value> = ["state", "timeline"]
            .iter()
            .flat_map(|part| joined[part]["events"].as_array().into_iter().flatten())
            .collect();
        for kind in [
            "m.room.create",
            "m.room.power_levels",
            "m.room.name",
            "m.room.history_visibility",
        ] {
            assert!(all.iter().any(|event| event["type"] == kind), "{kind}");
        }
        assert_eq!(joined["summary"]["m.joined_member_count"], 2);
        assert!(answer["rooms"]["invite"].is_null());
        assert_eq!(answer["device_lists"]["changed"], json!([alice.id]));
        let seen_by_alice = alice.sync(Some(&token)).await;
        assert!(
            seen_by_alice["device_lists"]["changed"]
                .to_string()
                .contains(bob.id.as_str())
        );
    })
    .await;
}

#[tokio::test]
async fn leaving_is_told_once_and_to_all_devices() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        let alices = since(&alice.sync(None).await);
        bob.leave(&room).await;
        let answer = bob.sync(Some(&token)).await;
        let events = answer["rooms"]["leave"][&room]["timeline"]["events"]
            .as_array()
            .expect("events");
        assert_eq!(
            events.last().expect("the leave")["content"]["membership"],
            "leave"
        );
        assert_eq!(answer["device_lists"]["left"], json!([alice.id]));
        alice.send_text(&room, "after").await;
        let answer = bob.sync(Some(&since(&answer))).await;
        assert!(answer["rooms"].is_null(), "{answer}");
        assert_eq!(
            alice.sync(Some(&alices)).await["device_lists"]["left"],
            json!([bob.id])
        );
        assert!(bob.sync(None).await["rooms"].is_null());
        let filter = json!({ "room": { "include_leave": true } });
        let answer = filtered(&bob, filter, None).await;
        assert!(!answer.to_string().contains("after") && answer["rooms"]["leave"][&room].is_object());
    })
    .await;
}

#[tokio::test]
async fn members_are_loaded_lazily_where_asked() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        for name in ["carol", "dave", "erin"] {
            let user = server.user(name).await;
            alice.invite(&room, &user).await;
            user.join(&room).await;
        }
        // Else it is named after its members, who come for that.
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await;
        for number in 0..15 {
            alice.send_text(&room, &format!("{number}")).await;
        }
        let filter =
            json!({ "room": { "timeline": { "limit": 3 }, "state": { "lazy_load_members": true } } });
        let answer = filtered(&bob, filter, None).await;
        let state = answer["rooms"]["join"][&room]["state"]["events"]
            .as_array()
            .expect("state")
            .clone();
        let mut members: Vec<_> = state
            .iter()
            .filter(|event| event["type"] == "m.room.member")
            .map(|event| event["state_key"].as_str().expect("a key").to_owned())
            .collect();
        members.sort();
        assert_eq!(members, [alice.id.to_string(), bob.id.to_string()]);
        let (_, all) = bob
            .get(&format!("/_matrix/client/v3/rooms/{}/members", enc(&room)))
            .await;
        assert_eq!(all["chunk"].as_array().expect("members").len(), 5);
    })
    .await;
}

#[tokio::test]
async fn state_after_is_told_under_the_name_it_was_asked_for() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "one" }))
            .await;
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "two" }))
            .await;
        for (asked, named) in [
            ("use_state_after", "state_after"),
            (
                "org.matrix.msc4222.use_state_after",
                "org.matrix.msc4222.state_after",
            ),
        ] {
            let (_, answer) = bob
                .get(&format!(
                    "/_matrix/client/v3/sync?timeout=0&{asked}=true&since={}",
                    enc(&token)
                ))
                .await;
            let joined = &answer["rooms"]["join"][&room];
            let names: Vec<_> = joined[named]["events"].as_array().expect(named).iter().collect();
            assert_eq!(names.len(), 1, "{answer}");
            assert_eq!(names[0]["content"]["name"], "two");
            assert!(joined["state"].is_null());
        }
    })
    .await;
}

#[tokio::test]
async fn a_waiting_sync_answers_as_soon_as_there_is_something() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        let waiting = bob.sync_waiting(Some(&token), 60_000);
        let sending = async {
            figures.until(SYNCS_WAITING, 1).await;
            alice.send_text(&room, "awake").await;
        };
        // Who isn't woken is answered with nothing when the time is up.
        let (answer, ()) = tokio::join!(waiting, sending);
        assert_eq!(bodies(&answer, &room), ["awake"]);
    })
    .await;
}

#[tokio::test]
async fn a_waiting_sync_ends_when_its_device_is_signed_out() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let (alice, ..) = two_in_a_room(&server).await;
        let token = since(&alice.sync(None).await);
        let path = format!("/_matrix/client/v3/sync?timeout=60000&since={}", enc(&token));
        let waiting = alice.get(&path);
        let leaving = async {
            figures.until(SYNCS_WAITING, 1).await;
            let (status, _) = alice.post("/_matrix/client/v3/logout", json!({})).await;
            assert_eq!(status, 200);
        };
        // Who isn't woken is answered with 200 when the time is up.
        let ((status, answer), ()) = tokio::join!(waiting, leaving);
        assert_eq!((status, &answer["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
    })
    .await;
}

#[tokio::test]
async fn only_the_sending_device_learns_its_transaction_id() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let phone = alice.another_device().await;
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/mine", enc(&room));
        alice
            .put(&path, json!({ "msgtype": "m.text", "body": "hi" }))
            .await;
        let mut seen = Vec::new();
        for user in [&alice, &phone, &bob] {
            let answer = user.sync(None).await;
            let events = answer["rooms"]["join"][&room]["timeline"]["events"]
                .as_array()
                .expect("events")
                .clone();
            let last = events.last().expect("the message").clone();
            seen.push(last["unsigned"]["transaction_id"].as_str().map(str::to_owned));
        }
        assert_eq!(seen, [Some("mine".to_owned()), None, None]);
    })
    .await;
}

#[tokio::test]
async fn foreign_and_broken_tokens_are_refused() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for token in ["rubbish", "s", "s1_", "t5"] {
            let (status, answer) = alice.get(&format!("/_matrix/client/v3/sync?since={token}")).await;
            assert_eq!(
                (status, &answer["errcode"]),
                (400, &json!("M_INVALID_PARAM")),
                "{token}"
            );
        }
        assert_eq!(server.get("/_matrix/client/v3/sync", None).await.0, 401);
        assert_eq!(alice.get("/_matrix/client/v3/sync?filter=nothing").await.0, 404);
        assert_eq!(alice.get("/_matrix/client/v3/sync?filter=%7Bbroken").await.0, 400);
        let ahead = alice.get("/_matrix/client/v3/sync?timeout=0&since=s999999").await;
        assert_eq!(ahead.0, 200);
    })
    .await;
}

#[tokio::test]
async fn state_that_a_filter_keeps_out_of_the_timeline_is_told_as_state() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let filter = json!({ "room": { "timeline": { "types": ["m.room.message"], "limit": 3 } } });
        let name_of = |answer: &Value| {
            let events = answer["rooms"]["join"][&room]["state"]["events"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let names = events.iter().filter(|event| event["type"] == "m.room.name");
            names
                .map(|event| event["content"]["name"].as_str().expect("a name").to_owned())
                .collect::<Vec<_>>()
        };
        let token = since(&bob.sync(None).await);
        alice.send_text(&room, "one").await;
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "neu" }))
            .await;
        let answer = filtered(&bob, filter.clone(), Some(&token)).await;
        assert_eq!(name_of(&answer), ["neu"]);
        for number in 0..5 {
            alice.send_text(&room, &format!("{number}")).await;
        }
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "neuer" }))
            .await;
        alice.send_text(&room, "last").await;
        let answer = filtered(&bob, filter.clone(), Some(&since(&answer))).await;
        assert_eq!(name_of(&answer), ["neuer"]);
        assert_eq!(name_of(&filtered(&bob, filter.clone(), None).await), ["neuer"]);
        let elsewhere = json!({ "room": { "timeline": { "not_rooms": [room] } } });
        assert_eq!(name_of(&filtered(&bob, elsewhere, Some(&token)).await), ["neuer"]);
    })
    .await;
}

#[tokio::test]
async fn a_room_that_was_forgotten_elsewhere_is_still_told_as_left() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        bob.leave(&room).await;
        let path = format!("/_matrix/client/v3/rooms/{}/forget", enc(&room));
        assert_eq!(bob.post(&path, json!({})).await.0, 200);
        let answer = bob.sync(Some(&token)).await;
        let events = answer["rooms"]["leave"][&room]["timeline"]["events"]
            .as_array()
            .expect("the leave")
            .clone();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(answer["device_lists"]["left"], json!([alice.id]));
        let ban = format!("/_matrix/client/v3/rooms/{}/ban", enc(&room));
        assert_eq!(alice.post(&ban, json!({ "user_id": bob.id })).await.0, 200);
        let include = json!({ "room": { "include_leave": true } });
        assert!(filtered(&bob, include, None).await["rooms"].is_null());
    })
    .await;
}

#[tokio::test]
async fn nothing_comes_from_people_who_are_ignored() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.ignored_user_list",
            enc(bob.id.as_str())
        );
        let list = json!({ "ignored_users": { alice.id.as_str(): {} } });
        assert_eq!(bob.put(&path, list).await.0, 200);
        let token = since(&bob.sync(None).await);
        alice.send_text(&room, "unheard").await;
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "heard" }))
            .await;
        let other = alice.create_room(json!({ "invite": [bob.id] })).await;
        let answer = bob.sync(Some(&token)).await;
        assert!(!answer.to_string().contains("unheard"));
        assert!(answer.to_string().contains("heard"));
        assert!(answer["rooms"]["invite"][&other].is_null());
    })
    .await;
}

#[tokio::test]
async fn who_left_learns_no_later_names() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "hello").await;
        bob.leave(&room).await;
        let path = format!(
            "/_matrix/client/v3/profile/{}/displayname",
            enc(alice.id.as_str())
        );
        assert_eq!(alice.put(&path, json!({ "displayname": "Geheim" })).await.0, 200);
        let lazy = enc(&json!({ "lazy_load_members": true }).to_string());
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&filter={lazy}",
            enc(&room)
        );
        let (status, page) = bob.get(&path).await;
        assert_eq!(status, 200, "{page}");
        assert!(!page.to_string().contains("Geheim"));
        assert!(page["state"].to_string().contains(alice.id.as_str()));
    })
    .await;
}

/// Type and state key of state events.
fn keys(events: &Value) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let events = events.as_array().into_iter().flatten();
    events
        .map(|event| (text(event, "type"), text(event, "state_key")))
        .collect()
}

#[tokio::test]
async fn heroes_come_as_members_where_members_are_loaded_lazily() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        alice.invite(&room, &carol).await;
        for _ in 0..3 {
            alice.send_text(&room, "hello").await;
        }
        let filter =
            json!({ "room": { "state": { "lazy_load_members": true }, "timeline": { "limit": 1 } } });
        let answer = filtered(&alice, filter, None).await;
        let told = &answer["rooms"]["join"][&room];
        assert_eq!(told["summary"]["m.heroes"], json!([bob.id, carol.id]));
        for hero in [&bob, &carol] {
            let key = ("m.room.member".to_owned(), hero.id.to_string());
            assert!(keys(&told["state"]["events"]).contains(&key), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_full_state_comes_with_no_more_of_the_timeline_than_is_new() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "old").await;
        let token = since(&bob.sync(None).await);
        alice.send_text(&room, "new").await;
        let path = format!("/_matrix/client/v3/sync?full_state=true&since={}", enc(&token));
        let (status, answer) = bob.get(&path).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(bodies(&answer, &room), ["new"]);
        let state = keys(&answer["rooms"]["join"][&room]["state"]["events"]);
        assert!(state.contains(&("m.room.create".to_owned(), String::new())));
        assert!(answer["device_lists"].is_null(), "nobody came: {answer}");
        let path = format!(
            "/_matrix/client/v3/sync?full_state=true&since={}",
            enc(&since(&answer))
        );
        let (_, again) = bob.get(&path).await;
        assert_eq!(bodies(&again, &room), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_name_that_goes_brings_those_whom_the_room_is_named_after() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await;
        let first = bob.sync(None).await;
        assert!(first["rooms"]["join"][&room]["summary"]["m.heroes"].is_null());
        alice.set_state(&room, "m.room.name", "", json!({})).await;
        let second = bob.sync(Some(&since(&first))).await;
        assert_eq!(
            second["rooms"]["join"][&room]["summary"]["m.heroes"],
            json!([alice.id])
        );
    })
    .await;
}

#[tokio::test]
async fn a_room_that_was_left_is_told_with_what_changed_before() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = since(&bob.sync(None).await);
        alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "before" }))
            .await;
        for _ in 0..3 {
            alice.send_text(&room, "hello").await;
        }
        bob.leave(&room).await;
        alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "canary" }))
            .await;
        let topic = ("m.room.topic".to_owned(), String::new());
        let own = ("m.room.member".to_owned(), bob.id.to_string());
        let left = async |filter: Value, since: Option<&str>, after: &str| {
            let since = since
                .map(|since| format!("&since={}", enc(since)))
                .unwrap_or_default();
            let filter = enc(&filter.to_string());
            let path = format!("/_matrix/client/v3/sync?filter={filter}{since}{after}");
            let (status, answer) = bob.get(&path).await;
            assert_eq!(status, 200, "{answer}");
            assert!(!answer.to_string().contains("canary"), "{answer}");
            answer["rooms"]["leave"][&room].clone()
        };
        let short = || json!({ "room": { "timeline": { "limit": 2 }, "include_leave": true } });
        let told = left(short(), Some(&token), "").await;
        assert_eq!(told["timeline"]["limited"], true);
        assert_eq!(keys(&told["state"]["events"]), std::slice::from_ref(&topic));
        assert!(told.get("state_after").is_none());
        let after = left(short(), Some(&token), "&use_state_after=true").await;
        assert_eq!(
            keys(&after["state_after"]["events"]),
            [topic.clone(), own.clone()]
        );
        assert!(after.get("state").is_none());
        let unstable = "&org.matrix.msc4222.use_state_after=true";
        let unstable = left(short(), Some(&token), unstable).await;
        assert_eq!(unstable["org.matrix.msc4222.state_after"], after["state_after"]);

        // All of it, and what the user keeps about it.
        let path = format!(
            "/_matrix/client/v3/user/{}/rooms/{}/account_data/org.example.a",
            enc(bob.id.as_str()),
            enc(&room)
        );
        assert_eq!(bob.put(&path, json!({ "a": 1 })).await.0, 200);
        let all = left(short(), None, "&use_state_after=true").await;
        let state = keys(&all["state_after"]["events"]);
        assert!(state.contains(&topic) && state.contains(&own), "{all}");
        assert_eq!(all["account_data"]["events"][0]["content"], json!({ "a": 1 }));
        let mut types = short();
        types["room"]["state"] = json!({ "types": ["m.room.create"] });
        let create = left(types, None, "").await;
        let create = keys(&create["state"]["events"]);
        assert_eq!(create, [("m.room.create".to_owned(), String::new())]);
        let quiet = left(
            json!({ "room": { "state": { "types": [] } } }),
            Some(&token),
            "&use_state_after=true",
        )
        .await;
        assert_eq!(quiet["state_after"]["events"], json!([]), "there even if empty");
    })
    .await;
}

#[tokio::test]
async fn events_come_as_other_servers_get_them_where_a_filter_asks() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let event = alice.send_text(&room, "hello").await;
        let answer = filtered(&alice, json!({ "event_format": "federation" }), None).await;
        let events = &answer["rooms"]["join"][&room]["timeline"]["events"];
        let last = events
            .as_array()
            .and_then(|events| events.last())
            .expect("an event");
        for field in [
            "auth_events",
            "prev_events",
            "hashes",
            "signatures",
            "depth",
            "room_id",
        ] {
            assert!(!last[field].is_null(), "{field}: {last}");
        }
        assert_eq!(last["event_id"], event.as_str());
        assert!(last["unsigned"]["age"].is_u64());
        let client = filtered(&alice, json!({ "event_format": "client" }), None).await;
        let events = &client["rooms"]["join"][&room]["timeline"]["events"];
        assert!(events[0].get("auth_events").is_none());
    })
    .await;
}
