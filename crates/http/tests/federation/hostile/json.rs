//! Events that are no canonical JSON, and events and transactions of every size.

use ruma::OwnedEventId;
use serde_json::{Value, json};

use super::{Scene, scenes, value};

/// Integers that canonical JSON has no room for, and other things that stand where an integer must.
const NO_INTEGERS: [&str; 9] = [
    "9007199254740992",
    "-9007199254740992",
    "9223372036854775807",
    "18446744073709551615",
    "1.0",
    "0.5",
    "\"5\"",
    "null",
    "true",
];

/// An event as text, with what stands at `place` (a pointer) replaced by any text. Signed with a number in that place.
fn with(scene: &Scene, event: &Value, place: &str, text: &str) -> String {
    let mut event = event.clone();
    *event.pointer_mut(place).expect("a place") = json!(4_242_424_242_i64);
    let (_, event) = scene.evil.sign_as(scene.evil.name(), &scene.room.version, event);
    let event = event.to_string();
    assert_eq!(event.matches("4242424242").count(), 1, "{event}");
    event.replace("4242424242", text)
}

#[tokio::test]
async fn numbers_that_no_event_may_hold_spoil_only_the_event_that_holds_them() {
    scenes(async |scene: &mut Scene| {
        scene.empower(50).await;
        let mallory = scene.mallory.clone();
        let text = |body: &str| {
            let mut event = value(&scene.room.clone().text(&mallory, body));
            event["content"]["number"] = json!(1);
            event["content"]["deep"] = json!([{ "number": [1] }]);
            event
        };
        let mut bad = Vec::new();
        for number in NO_INTEGERS {
            bad.push(with(scene, &text("canary"), "/depth", number));
            bad.push(with(scene, &text("canary"), "/origin_server_ts", number));
        }
        for number in &NO_INTEGERS[..6] {
            bad.push(with(scene, &text("canary"), "/content/number", number));
            bad.push(with(scene, &text("canary"), "/content/deep/0/number/0", number));
        }
        let mut missing = text("canary");
        missing.as_object_mut().expect("an object").remove("depth");
        bad.push(
            scene
                .evil
                .sign_as(scene.evil.name(), &scene.room.version, missing)
                .1
                .to_string(),
        );
        for (number, bad) in bad.iter().enumerate() {
            let good = scene.room.clone().text(&mallory, &format!("beside {number}"));
            let pdus = [bad.clone(), good.json().to_owned()];
            let txn = scene.txn();
            let (status, answer) = scene.evil.send_texts(&scene.server, &txn, &pdus).await;
            assert_eq!(status, 200, "{bad} {answer}");
            assert_eq!(answer["pdus"], json!({ good.event_id(): {} }), "{bad}");
            assert!(scene.sees(good.event_id()).await);
        }
        assert!(!scene.anna.sync(None).await.to_string().contains("canary"));

        // Power levels that are no integers are no power levels.
        let levels = scene.state("m.room.power_levels", "").await;
        for level in [json!("50"), json!([50]), json!({}), json!(null), json!(true)] {
            let mut content = levels.clone();
            content["events_default"] = level.clone();
            let bad = scene.room.clone().text(&mallory, "levels");
            let bad = scene.room.resign(&bad, |event| {
                event["type"] = json!("m.room.power_levels");
                event["state_key"] = json!("");
                event["content"] = content;
            });
            scene.send(&[value(&bad)]).await;
            scene.is_hidden(bad.event_id()).await;
        }
        assert_eq!(scene.state("m.room.power_levels", "").await, levels);

        // The largest and the smallest are fine; what is unsigned is nobody's, and is thrown away.
        let mut good = text("good");
        good["content"]["number"] = json!(9_007_199_254_740_991_i64);
        good["content"]["deep"] = json!([-9_007_199_254_740_991_i64, 0]);
        let (event_id, good) = scene.evil.sign_as(scene.evil.name(), &scene.room.version, good);
        let good = good.to_string().replace(
            &format!("\"type\":{}", good["type"]),
            &format!(
                "\"type\":{},\"unsigned\":{{\"age\":0.5,\"big\":18446744073709551615}}",
                good["type"]
            ),
        );
        let txn = scene.txn();
        let (status, answer) = scene.evil.send_texts(&scene.server, &txn, &[good]).await;
        // An event must be canonical JSON as a whole, so it may be dropped for that; it must not be kept with it.
        assert_eq!(status, 200, "{answer}");
        if let Some(kept) = scene.server.kept(&scene.room.room_id, &event_id).await {
            assert!(kept.event.get("unsigned").is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_not_kept_as_a_transaction() {
    scenes(async |scene: &mut Scene| {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let deep_objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let bodies = [
            &*deep,
            &deep_objects,
            "1e400",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "{",
            "nul",
            "\"\u{1}\"",
        ];
        for text in bodies {
            let txn = scene.txn();
            let good = scene.room.clone().text(&scene.mallory, "beside it");
            let bad = with(scene, &content(scene), "/content/what", text);
            let pdus = [bad, good.json().to_owned()];
            let (status, answer) = scene.evil.send_texts(&scene.server, &txn, &pdus).await;
            let errcode = answer["errcode"].as_str().unwrap_or_default();
            assert_eq!(
                (status, ["M_BAD_JSON", "M_NOT_JSON"].contains(&errcode)),
                (400, true),
                "{text:.20} {answer}"
            );
            // Without it, the same transaction goes through.
            let pdus = [good.json().to_owned()];
            let (status, answer) = scene.evil.send_texts(&scene.server, &txn, &pdus).await;
            assert_eq!(
                (status, &answer["pdus"][good.event_id().as_str()]),
                (200, &json!({})),
                "{answer}"
            );
        }
        // Signed by nobody, what is no JSON proves nothing.
        let path = "/_matrix/federation/v1/send/unsigned";
        let request = http::Request::put(path)
            .body(axum::body::Body::from("{"))
            .expect("a request");
        assert_eq!(scene.server.ask(request).await.status, 401);
    })
    .await;
}

fn content(scene: &Scene) -> Value {
    let mut event = value(&scene.room.clone().text(&scene.mallory, "canary"));
    event["content"]["what"] = json!(1);
    event
}

#[tokio::test]
async fn what_two_servers_could_read_differently_spoils_only_its_own_event() {
    scenes(async |scene: &mut Scene| {
        let good = content(scene);
        let sign = |event: &Value| {
            scene
                .evil
                .sign_as(scene.evil.name(), &scene.room.version, event.clone())
        };
        // A key twice; the transaction is signed over the last of them.
        let twice = with(scene, &good, "/content/what", "4242424242,\"what\":4242424242");
        let levels = format!("{}1{}", "[".repeat(140), "]".repeat(140));
        let deep = with(scene, &good, "/content/what", &levels);
        let path = "/_matrix/federation/v1/send/twice";
        let body = |pdu: &str, name: &ruma::ServerName| {
            format!(
                "{{\"edus\":[],\"origin\":{},\"origin_server_ts\":1,\"pdus\":[{pdu}]}}",
                json!(name)
            )
        };
        for bad in [&twice, &deep] {
            let (status, _) = scene
                .evil
                .ask_text(&scene.server, "PUT", path, &body(bad, scene.evil.name()))
                .await;
            assert!((200..500).contains(&status), "{status}");
        }
        // The character that PostgreSQL doesn't keep: the event is as good as redacted, and the others are untouched.
        let mut nul = good.clone();
        nul["content"]["body"] = json!("canary\u{0}");
        let mut nul_key = good.clone();
        nul_key["content"] = json!({ "ca\u{0}nary": 1, "body": "canary" });
        let mut nul_state = good.clone();
        nul_state["state_key"] = json!("\u{0}");
        let mut nul_type = good.clone();
        nul_type["type"] = json!("ca\u{0}nary");
        let events = [nul, nul_key, nul_state, nul_type].map(|event| sign(&event));
        let beside = scene.room.clone().text(&scene.mallory, "beside it");
        let mut pdus: Vec<Value> = events.iter().map(|(_, event)| event.clone()).collect();
        pdus.push(value(&beside));
        let answer = scene.send(&pdus).await;
        assert_eq!(answer[beside.event_id().as_str()], json!({}), "{answer}");
        for (event_id, _) in &events {
            if let Some(kept) = scene.server.kept(&scene.room.room_id, event_id).await {
                assert!(!kept.event.to_string().contains("canary"), "{kept:?}");
            }
        }
        let kept = async |event_id: &OwnedEventId| scene.server.kept(&scene.room.room_id, event_id).await;
        assert!(
            kept(&events[0].0).await.is_some(),
            "the redacted form is part of the room"
        );
        assert!(!scene.anna.sync(None).await.to_string().contains("canary"));
        // In a name of somebody.
        let own = scene.room.clone().member(&scene.mallory, &scene.mallory, "join");
        let named = scene
            .room
            .resign(&own, |event| event["content"]["displayname"] = json!("M\u{0}"));
        scene.send(&[value(&named)]).await;
        assert_eq!(
            scene.state("m.room.member", &scene.mallory).await["membership"],
            "join"
        );
        assert_eq!(scene.anna.get(&scene.path("members")).await.0, 200);
    })
    .await;
}

/// A message whose canonical JSON has so many bytes, with its signatures.
fn of_size(scene: &Scene, size_bytes: usize) -> (OwnedEventId, Value) {
    let text = value(&scene.room.clone().text(&scene.mallory, ""));
    let length = text.to_string().len();
    let mut text = text;
    text["content"]["body"] = json!("x".repeat(size_bytes - length));
    let signed = scene.evil.sign_as(scene.evil.name(), &scene.room.version, text);
    assert_eq!(signed.1.to_string().len(), size_bytes);
    signed
}

#[tokio::test]
async fn events_are_as_large_as_they_may_be_and_no_larger() {
    scenes(async |scene: &mut Scene| {
        let (largest, event) = of_size(scene, 65_536);
        let answer = scene.send(&[event]).await;
        assert_eq!(answer[largest.as_str()], json!({}), "{answer}");
        assert!(scene.sees(&largest).await);
        let (larger, event) = of_size(scene, 65_537);
        scene.send(&[event]).await;
        assert!(scene.server.kept(&scene.room.room_id, &larger).await.is_none());

        scene.empower(50).await;
        let text = scene.room.clone().text(&scene.mallory, "a state event");
        // 255 bytes, and one more: of ASCII, and of two bytes each.
        for (long, is_good) in [
            ("x".repeat(255), true),
            ("x".repeat(256), false),
            (format!("x{}", "ä".repeat(127)), true),
            ("ä".repeat(128), false),
        ] {
            for field in ["type", "state_key"] {
                let event = scene.room.resign(&text, |event| {
                    event["type"] = json!("org.example.state");
                    event["state_key"] = json!("");
                    event[field] = json!(long);
                });
                let answer = scene.send(&[value(&event)]).await;
                let is_taken = answer[event.event_id().as_str()] == json!({});
                assert_eq!(is_taken, is_good, "{field} of {} bytes: {answer}", long.len());
                assert_eq!(scene.sees(event.event_id()).await, is_good);
            }
        }
        let name = scene.evil.name().as_str();
        for (bytes, is_good) in [(255, true), (256, false)] {
            let user = format!("@{}:{name}", "x".repeat(bytes - name.len() - 2));
            let own = scene.room.clone().member(&scene.mallory, &scene.mallory, "join");
            let mut joined = value(&own);
            joined["sender"] = json!(user);
            joined["state_key"] = json!(user);
            let before = scene.room.state[&("m.room.member".into(), scene.mallory.clone())].event_id();
            joined["auth_events"]
                .as_array_mut()
                .expect("ids")
                .retain(|id| *id != json!(before));
            let (event_id, joined) = scene.evil.sign_as(scene.evil.name(), &scene.room.version, joined);
            let answer = scene.send(&[joined]).await;
            let is_taken = answer[event_id.as_str()] == json!({});
            assert_eq!(is_taken, is_good, "{bytes} bytes: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn transactions_hold_as_much_as_they_may_and_no_more() {
    scenes(async |scene: &mut Scene| {
        let mut texts: Vec<Value> = Vec::new();
        for number in 0..51 {
            let text = scene.room.text(&scene.mallory, &number.to_string());
            texts.push(value(&text));
        }
        let typing = json!({ "edu_type": "m.typing", "content": {
            "room_id": scene.room_id, "user_id": scene.mallory, "typing": true,
        } });
        let path = |txn: &str| format!("/_matrix/federation/v1/send/{txn}");
        let body = |pdus: &[Value], edus: usize| {
            json!({ "origin": scene.evil.name(), "origin_server_ts": 1, "pdus": pdus, "edus": vec![&typing; edus] })
        };
        let ask = async |txn: &str, body: Value| {
            scene.evil.ask(&scene.server, "PUT", &path(txn), Some(body)).await.0
        };
        assert_eq!(ask("a", body(&texts, 0)).await, 400);
        assert_eq!(ask("b", body(&[], 101)).await, 400);
        assert_eq!(scene.texts().await, [""; 0]);
        assert_eq!(ask(&"x".repeat(256), body(&[], 0)).await, 400);
        assert_eq!(ask("c", body(&texts[..50], 100)).await, 200);
        assert_eq!(scene.texts().await.len(), 50);
        // Much more than that isn't read at all.
        let large = json!({ "origin": scene.evil.name(), "origin_server_ts": 1, "pdus": [], "x": "x".repeat(13_000_000) });
        assert_eq!(ask("d", large).await, 413);
    })
    .await;
}

#[tokio::test]
async fn what_is_written_here_is_no_larger_than_other_servers_take() {
    scenes(async |scene: &mut Scene| {
        // Hashes and signatures count: the largest body that is taken makes an event that is taken elsewhere.
        let send = async |length: usize| {
            let path = scene.path(&format!("send/m.room.message/size{length}"));
            let content = json!({ "msgtype": "m.text", "body": "x".repeat(length) });
            scene.anna.put(&path, content).await
        };
        let (mut taken, mut refused) = (1, 65_536);
        while refused - taken > 1 {
            let middle = usize::midpoint(taken, refused);
            match send(middle).await.0 {
                200 => taken = middle,
                status => {
                    assert_eq!(status, 413);
                    refused = middle;
                }
            }
        }
        let (_, sent) = send(taken).await;
        let event_id = sent["event_id"].as_str().expect("an id");
        let path = format!("/_matrix/federation/v1/event/{}", rohrpost_testkit::enc(event_id));
        let (status, told) = scene.honest.ask(&scene.server, "GET", &path, None).await;
        assert_eq!(status, 200);
        let mut event = told["pdus"][0].clone();
        event.as_object_mut().expect("an event").remove("unsigned");
        let size_bytes = event.to_string().len();
        assert!((65_500..=65_536).contains(&size_bytes), "{size_bytes}");
    })
    .await;
}
