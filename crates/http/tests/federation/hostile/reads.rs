//! What a server reads that has no right to.

use rohrpost_room::Pdu;
use rohrpost_testkit::enc;
use serde_json::{Value, json};

use super::{Scene, scenes, value};

const API: &str = "/_matrix/federation/v1";

/// Every question about a room, with an event of it.
fn questions(room: &str, event: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let (room, id) = (enc(room), enc(event));
    let missing = json!({ "earliest_events": [], "latest_events": [event] });
    let between = json!({ "earliest_events": [event], "latest_events": [event], "min_depth": 0 });
    vec![
        ("GET", format!("{API}/event/{id}"), None),
        ("GET", format!("{API}/state/{room}?event_id={id}"), None),
        ("GET", format!("{API}/state_ids/{room}?event_id={id}"), None),
        ("GET", format!("{API}/event_auth/{room}/{id}"), None),
        ("GET", format!("{API}/backfill/{room}?limit=10&v={id}"), None),
        ("GET", format!("{API}/timestamp_to_event/{room}?ts=1&dir=f"), None),
        ("GET", format!("{API}/hierarchy/{room}"), None),
        ("POST", format!("{API}/get_missing_events/{room}"), Some(missing)),
        ("POST", format!("{API}/get_missing_events/{room}"), Some(between)),
    ]
}

/// An answer without what differs from one moment to another.
async fn ask(scene: &Scene, (method, path, body): (&str, String, Option<Value>)) -> (u16, Value) {
    let (status, mut answer) = scene.evil.ask(&scene.server, method, &path, body).await;
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("origin_server_ts");
    }
    (status, answer)
}

#[tokio::test]
async fn a_room_that_a_server_isnt_in_is_as_one_that_isnt_there() {
    scenes(async |scene: &mut Scene| {
        for preset in ["private_chat", "public_chat"] {
            let body = json!({ "preset": preset, "name": "canary", "room_version": scene.room.version });
            let secret = scene.anna.create_room(body).await;
            let event = scene.anna.send_text(&secret, "canary").await;
            let nowhere = match scene.room.version.as_str() {
                "12" => format!("!{}", "A".repeat(43)),
                _ => format!("!nowhere:{}", scene.server.name()),
            };
            let unknown = format!("${}", "A".repeat(43));
            let other = questions(&scene.room_id, &event);
            for (number, (there, absent)) in questions(&secret, &event)
                .into_iter()
                .zip(questions(&nowhere, &unknown))
                .enumerate()
            {
                let what = there.1.clone();
                // A public room may be told in a hierarchy.
                if preset == "public_chat" && what.contains("/hierarchy/") {
                    continue;
                }
                let (there, absent) = (ask(scene, there).await, ask(scene, absent).await);
                assert_eq!(there, absent, "{what}");
                assert!(matches!(there.0, 403 | 404), "{what} {there:?}");
                assert!(!there.1.to_string().contains("canary"));
                // Nor by way of the room that the server is in.
                let (status, told) = ask(scene, other[number].clone()).await;
                assert!(!told.to_string().contains("canary"), "{what} {status} {told}");
            }
        }
        // In its own room, the server is told everything.
        let event = scene.anna.send_text(&scene.room_id, "no secret").await;
        for question in questions(&scene.room_id, &event) {
            let what = question.1.clone();
            let (status, told) = ask(scene, question).await;
            let expected = if what.contains("/hierarchy/") {
                [200, 404]
            } else {
                [200, 200]
            };
            assert!(expected.contains(&status), "{what} {told}");
        }
    })
    .await;
}

#[tokio::test]
async fn events_that_were_not_let_in_are_told_to_nobody() {
    scenes(async |scene: &mut Scene| {
        let mallory = scene.mallory.clone();
        // Rejected, soft failed, and known for no more than that others stand on it.
        let text = scene.room.clone().text(&mallory, "canary");
        let rejected = scene.room.resign(&text, |event| {
            event["type"] = json!("m.room.name");
            event["state_key"] = json!("");
        });
        let dora = scene.evil.user("dora");
        let joined = scene.room.member(&dora, &dora, "join");
        scene.accepted(&[&joined]).await;
        let late = scene.room.clone().text(&dora, "canary");
        let (status, _) = scene
            .anna
            .post(&scene.path("ban"), json!({ "user_id": dora }))
            .await;
        assert_eq!(status, 200);
        scene.send(&[value(&rejected), value(&late)]).await;
        scene.look().await;
        let emil = scene.evil.user("emil");
        let outlier = scene.room.clone().member(&emil, &emil, "join");
        let citing = {
            let mut room = scene.room.clone();
            room.put(&outlier);
            let text = room.text(&emil, "I am here");
            room.resign(&text, |event| event["prev_events"] = json!(scene.room.heads))
        };
        scene.evil.answers(
            &format!("GET {API}/event_auth/"),
            json!({ "auth_chain": [value(&outlier)] }),
        );
        scene.send(&[value(&citing)]).await;
        let kept = async |event: &Pdu| {
            let kept = scene.server.kept(&scene.room.room_id, event.event_id()).await;
            kept.map(|kept| (kept.status, kept.in_timeline))
        };
        use rohrpost_testkit::EventStatus::{Accepted, Rejected, SoftFailed};
        assert_eq!(kept(&rejected).await, Some((Rejected, false)));
        assert_eq!(kept(&late).await, Some((SoftFailed, false)));
        assert_eq!(kept(&outlier).await, Some((Accepted, false)));
        for hidden in [&rejected, &late] {
            let id = hidden.event_id().as_str();
            for question in questions(&scene.room_id, id) {
                let what = question.1.clone();
                // What was before them may be told; they themselves may not.
                let told = ask(scene, question).await;
                assert!(!told.1.to_string().contains("canary"), "{what} {told:?}");
                let events = told.1["pdus"].as_array().or(told.1["events"].as_array());
                let is_empty = events.is_none_or(Vec::is_empty);
                let may_tell = [
                    "/backfill/",
                    "/get_missing_events/",
                    "/timestamp_to_event/",
                    "/hierarchy/",
                ];
                let may_tell = may_tell.iter().any(|part| what.contains(part));
                assert!(may_tell || (is_empty && told.0 == 404), "{what} {told:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_of_people_concerns_people_of_this_server_alone() {
    scenes(async |scene: &mut Scene| {
        let get = async |path: &str| scene.evil.ask(&scene.server, "GET", path, None).await;
        let profile = |user: &str| format!("{API}/query/profile?user_id={}", enc(user));
        let nobody = format!("@nobody:{}", scene.server.name());
        let absent = get(&profile(&nobody)).await;
        assert_eq!(absent.0, 404, "{absent:?}");
        // Others' people, whom this server knows, and who never were.
        let unknown = get(&profile(&scene.honest.user("unknown"))).await;
        for user in [&scene.clara, &scene.mallory, &"@x:elsewhere.example".to_owned()] {
            assert_eq!(get(&profile(user)).await, unknown, "{user}");
        }
        assert_ne!(unknown.0, 200);
        assert_eq!(get(&profile(scene.anna.id.as_str())).await.0, 200);
    })
    .await;
}
