//! What servers tell each other beside events, both ways.

use rohrpost_testkit::{Neighbours, Said, Stranger, TestServer, User, enc};
use ruma::serde::Base64;
use serde_json::{Value, json};

async fn each(test: impl AsyncFn(&Neighbours, TestServer)) {
    Neighbours::each(|settings| settings.presence = true, test).await;
}

/// A room of Alice's with Eva of the peer in it, and nothing waiting.
async fn shared_room(server: &TestServer, peer: &Stranger) -> (User, String) {
    let alice = server.user("alice").await;
    let room = alice.create_room(json!({ "preset": "public_chat" })).await;
    peer.seat(server, &room, "eva").await;
    server.tell_servers().await;
    peer.forget();
    (alice, room)
}

/// The news of a kind that came, in order.
fn told(peer: &Stranger, kind: &str) -> Vec<Value> {
    let edus = peer.transactions().into_iter().flat_map(|sent| sent.list("edus"));
    let edus = edus.filter(|edu| edu["edu_type"] == kind);
    edus.map(|edu| edu["content"].clone()).collect()
}

fn token(sync: &Value) -> String {
    sync["next_batch"].as_str().expect("a token").to_owned()
}

/// The content of an ephemeral event of a room in a sync.
fn ephemeral(sync: &Value, room: &str, kind: &str) -> Value {
    let events = &sync["rooms"]["join"][room]["ephemeral"]["events"];
    let mut events = events.as_array().into_iter().flatten();
    let event = events.find(|event| event["type"] == kind);
    event.map_or(Value::Null, |event| event["content"].clone())
}

fn to_device(sync: &Value) -> Vec<Value> {
    sync["to_device"]["events"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

async fn types(user: &User, room: &str, typing: bool) {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/typing/{}",
        enc(room),
        enc(user.id.as_str())
    );
    let body = json!({ "typing": typing, "timeout": 30_000 });
    assert_eq!(user.put(&path, body).await.0, 200);
}

#[tokio::test]
async fn typing_receipts_and_presence_are_told_to_the_servers_of_the_room() {
    each(async |neighbours, server| {
        let (peer, other) = (
            neighbours.stranger_at("127.0.0.2").await,
            neighbours.stranger_at("127.0.0.2").await,
        );
        let (alice, room) = shared_room(&server, &peer).await;
        let event = alice.send_text(&room, "read me").await;
        server.tell_servers().await;
        for typing in [true, false, true] {
            types(&alice, &room, typing).await;
        }
        let path = format!("/_matrix/client/v3/rooms/{}/receipt", enc(&room));
        let body = json!({ "thread_id": "main" });
        assert_eq!(
            alice
                .post(&format!("{path}/m.read/{}", enc(&event)), body)
                .await
                .0,
            200
        );
        let other_event = alice.send_text(&room, "read me in private").await;
        let path = format!("{path}/m.read.private/{}", enc(&other_event));
        assert_eq!(alice.post(&path, json!({})).await.0, 200);
        let presence = format!("/_matrix/client/v3/presence/{}/status", enc(alice.id.as_str()));
        let busy = json!({ "presence": "unavailable", "status_msg": "lunch" });
        assert_eq!(alice.put(&presence, busy).await.0, 200);
        server.tell_servers().await;
        let typing = json!({ "room_id": room, "user_id": alice.id, "typing": true });
        assert_eq!(told(&peer, "m.typing"), [typing], "the newest is enough");
        let ts = server.core().now_ts();
        let read = json!({ "event_ids": [event], "data": { "ts": ts, "thread_id": "main" } });
        assert_eq!(
            told(&peer, "m.receipt"),
            [json!({ (room.as_str()): { "m.read": { (alice.id.as_str()): read } } })]
        );
        let present = &told(&peer, "m.presence")[0]["push"][0];
        assert_eq!(
            (&present["user_id"], &present["presence"], &present["status_msg"]),
            (&json!(alice.id), &json!("unavailable"), &json!("lunch"))
        );
        assert!(other.requests().is_empty());
        // Who goes on typing is told again, since others forget it.
        peer.forget();
        server.clock().advance(std::time::Duration::from_secs(20));
        types(&alice, &room, true).await;
        server.tell_servers().await;
        assert!(told(&peer, "m.typing").is_empty());
        server.clock().advance(std::time::Duration::from_secs(5));
        for _ in 0..2 {
            server.tell_servers().await;
        }
        assert_eq!(told(&peer, "m.typing").len(), 1);
        // What passes isn't sent again.
        peer.forget();
        peer.answer(|request| request.is_transaction().then(|| Said::json(502, json!({}))));
        types(&alice, &room, false).await;
        server.tell_servers().await;
        assert_eq!(told(&peer, "m.typing").len(), 1);
        peer.behave();
        server.clock().advance(std::time::Duration::from_secs(60));
        server.tell_servers().await;
        assert_eq!(told(&peer, "m.typing").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn messages_to_devices_of_other_servers_wait_until_they_are_taken() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let alice = server.user("alice").await;
        let eva = peer.user("eva");
        peer.answer(|request| request.is_transaction().then(|| Said::json(502, json!({}))));
        let messages = json!({ "messages": {
            (eva.as_str()): { "PHONE": { "n": 1 }, "*": { "n": 2 } },
            (alice.id.as_str()): { "*": { "n": 3 } },
        } });
        for _ in 0..2 {
            let path = "/_matrix/client/v3/sendToDevice/m.dummy/t1";
            assert_eq!(alice.put(path, messages.clone()).await.0, 200);
        }
        server.tell_servers().await;
        server.restart().await;
        peer.behave();
        server.clock().advance(std::time::Duration::from_secs(5));
        server.tell_servers().await;
        let told = told(&peer, "m.direct_to_device");
        assert_eq!((told.len(), &told[0]), (2, &told[1]), "once, and once more");
        let content = &told[1];
        assert_eq!(
            (&content["sender"], &content["type"]),
            (&json!(alice.id), &json!("m.dummy"))
        );
        assert_eq!(
            content["messages"],
            json!({ (eva.as_str()): { "PHONE": { "n": 1 }, "*": { "n": 2 } } })
        );
        assert!(content["message_id"].as_str().is_some_and(|id| id.len() > 10));
        assert_eq!(to_device(&alice.sync(None).await).len(), 1);
        // Large ones go apart.
        peer.forget();
        let large = json!({ "text": "x".repeat(40_000) });
        let many = json!({ "messages": { (eva.as_str()): { "A": large, "B": large, "C": large } } });
        let path = "/_matrix/client/v3/sendToDevice/m.dummy/t2";
        assert_eq!(alice.put(path, many).await.0, 200);
        server.tell_servers().await;
        assert_eq!(self::told(&peer, "m.direct_to_device").len(), 3);
    })
    .await;
}

fn device_keys(user: &User) -> Value {
    let key = ruma::signatures::Ed25519KeyPair::from_der(
        &ruma::signatures::Ed25519KeyPair::generate(),
        user.device.to_string(),
    )
    .expect("a key");
    let mut object = serde_json::from_value(json!({
        "user_id": user.id,
        "device_id": user.device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            (format!("ed25519:{}", user.device)): Base64::<ruma::serde::base64::Standard>::new(key.public_key().to_vec()),
            (format!("curve25519:{}", user.device)): Base64::<ruma::serde::base64::Standard>::new(vec![7; 32]),
        },
    }))
    .expect("canonical JSON");
    ruma::signatures::sign_json(user.id.as_str(), &key, &mut object).expect("a signature");
    serde_json::to_value(object).expect("JSON")
}

#[tokio::test]
async fn devices_that_come_and_go_are_told_to_servers_that_share_a_room() {
    each(async |neighbours, server| {
        let (peer, other) = (
            neighbours.stranger_at("127.0.0.2").await,
            neighbours.stranger_at("127.0.0.2").await,
        );
        let (alice, _) = shared_room(&server, &peer).await;
        let upload = "/_matrix/client/v3/keys/upload";
        let keys = device_keys(&alice);
        let (status, answer) = alice.post(upload, json!({ "device_keys": keys })).await;
        assert_eq!(status, 200, "{answer}");
        let second = alice.another_device().await;
        assert_eq!(
            second
                .post(upload, json!({ "device_keys": device_keys(&second) }))
                .await
                .0,
            200
        );
        server.tell_servers().await;
        let first = told(&peer, "m.device_list_update");
        assert_eq!(first.len(), 2);
        let by_device = |device: &str| first.iter().find(|update| update["device_id"] == device);
        let update = by_device(alice.device.as_str()).expect("her device");
        assert_eq!((&update["user_id"], &update["keys"]), (&json!(alice.id), &keys));
        assert!(update.get("device_display_name").is_none());
        let last = first[1]["stream_id"].as_i64().expect("a number");
        assert_eq!(first[0]["prev_id"], json!([]));
        assert_eq!(first[1]["prev_id"], json!([first[0]["stream_id"]]));
        peer.forget();
        // It ends with the device; nothing else is told again.
        assert_eq!(second.post("/_matrix/client/v3/logout", json!({})).await.0, 200);
        server.tell_servers().await;
        let gone = told(&peer, "m.device_list_update");
        assert_eq!(gone.len(), 1, "{gone:?}");
        assert_eq!(
            (&gone[0]["device_id"], &gone[0]["deleted"], &gone[0]["prev_id"]),
            (&json!(second.device), &json!(true), &json!([last]))
        );
        assert!(other.requests().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_other_servers_tell_of_their_people_is_seen_in_a_sync() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        let eva = peer.user("eva");
        let event = alice.send_text(&room, "read me").await;
        let first = alice.sync(None).await;
        let typing = |typing: bool| json!({ "room_id": room, "user_id": eva, "typing": typing });
        peer.edu(&server, "m.typing", typing(true)).await;
        let read = json!({ "event_ids": [event], "data": { "ts": 1_000, "thread_id": "main" } });
        let receipt = json!({ (room.as_str()): { "m.read": { (eva.as_str()): read } } });
        peer.edu(&server, "m.receipt", receipt).await;
        let update = json!({ "user_id": eva, "presence": "online", "last_active_ago": 10, "status_msg": "hi" });
        peer.edu(&server, "m.presence", json!({ "push": [update] })).await;
        peer.edu(&server, "org.example.unknown", json!({ "any": [1, 2] })).await;
        let second = alice.sync(Some(&token(&first))).await;
        assert_eq!(ephemeral(&second, &room, "m.typing"), json!({ "user_ids": [eva] }));
        let receipts = json!({ (event.as_str()): { "m.read": { (eva.as_str()): { "ts": 1_000, "thread_id": "main" } } } });
        assert_eq!(ephemeral(&second, &room, "m.receipt"), receipts);
        let present = second["presence"]["events"].as_array().cloned().unwrap_or_default();
        let present = present.iter().find(|event| event["sender"] == eva.as_str());
        let content = &present.expect("she is there")["content"];
        assert_eq!(
            (&content["presence"], &content["status_msg"]),
            (&json!("online"), &json!("hi"))
        );
        peer.edu(&server, "m.typing", typing(false)).await;
        let third = alice.sync(Some(&token(&second))).await;
        assert_eq!(ephemeral(&third, &room, "m.typing"), json!({ "user_ids": [] }));
        // None of it comes back to where it came from.
        server.tell_servers().await;
        assert!(peer.transactions().iter().all(|sent| {
            let text = sent.body["edus"].to_string();
            !text.contains(eva.as_str())
        }));
        for (kind, content) in [
            ("m.device_list_update", json!({ "user_id": eva, "device_id": "D", "stream_id": 5 })),
            ("m.signing_key_update", json!({ "user_id": eva })),
        ] {
            let before = alice.sync(None).await;
            peer.edu(&server, kind, content).await;
            let after = alice.sync(Some(&token(&before))).await;
            assert_eq!(after["device_lists"]["changed"], json!([eva]), "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_to_a_device_arrives_once_and_only_where_there_is_one() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let alice = server.user("alice").await;
        let eva = peer.user("eva");
        let message = |id: &str, n: i64| {
            json!({
                "sender": eva, "type": "m.dummy", "message_id": id,
                "messages": {
                    (alice.id.as_str()): { (alice.device.as_str()): { "n": n }, "GHOST": { "n": n } },
                    (format!("@ghost:{}", server.name())): { "*": { "n": n } },
                    "@carol:elsewhere.example": { "*": { "n": n } },
                },
            })
        };
        for (id, n) in [("a", 1), ("a", 1), ("b", 2)] {
            peer.edu(&server, "m.direct_to_device", message(id, n)).await;
        }
        let expected = [1, 2].map(|n| json!({ "type": "m.dummy", "sender": eva, "content": { "n": n } }));
        assert_eq!(to_device(&alice.sync(None).await), expected);
        for (change, value) in [
            ("sender", json!(alice.id)),
            ("sender", json!("@eva:elsewhere.example")),
            ("message_id", json!("x".repeat(256))),
            ("message_id", json!("")),
            ("type", json!("x".repeat(256))),
            ("messages", json!([])),
            ("messages", json!({ (alice.id.as_str()): { "*": [] } })),
            (
                "messages",
                json!({ (alice.id.as_str()): { "*": { "n": "\u{0}" } } }),
            ),
            (
                "messages",
                json!({ (alice.id.as_str()): { "\u{0}": { "n": 1 } } }),
            ),
        ] {
            let mut forged = message("c", 3);
            forged[change] = value;
            peer.edu(&server, "m.direct_to_device", forged).await;
        }
        assert_eq!(to_device(&alice.sync(None).await), expected);
    })
    .await;
}

#[tokio::test]
async fn nobody_fills_somebodys_syncs_with_messages_to_devices() {
    let neighbours = Neighbours::new();
    let server = neighbours.sqlite().await;
    let (peer, other) = (neighbours.stranger().await, neighbours.stranger().await);
    let alice = server.user("alice").await;
    let devices: Vec<User> = vec![alice.another_device().await, alice.another_device().await];
    assert_eq!(devices.len(), 2);
    // Each for three devices.
    for number in 0..700 {
        let message = json!({
            "sender": peer.user("eva"), "type": "m.dummy", "message_id": number.to_string(),
            "messages": { (alice.id.as_str()): { "*": { "n": number } } },
        });
        peer.edu(&server, "m.direct_to_device", message).await;
    }
    let message = json!({
        "sender": other.user("otto"), "type": "m.dummy", "message_id": "1",
        "messages": { (alice.id.as_str()): { "*": { "n": "good" } } },
    });
    other.edu(&server, "m.direct_to_device", message).await;
    let (mut since, mut came) = (None, Vec::new());
    loop {
        let sync = alice.sync(since.as_deref()).await;
        let events = to_device(&sync);
        if events.is_empty() {
            break;
        }
        came.extend(events);
        since = Some(token(&sync));
    }
    assert!((667..=668).contains(&(came.len() - 1)), "{}", came.len());
    assert_eq!(
        came.last().map(|event| &event["content"]["n"]),
        Some(&json!("good"))
    );
    server.close().await;
}

#[tokio::test]
async fn a_server_speaks_for_nobody_but_its_own_people_where_they_are() {
    each(async |neighbours, server| {
        let (peer, evil) = (
            neighbours.stranger_at("127.0.0.2").await,
            neighbours.stranger_at("127.0.0.3").await,
        );
        let (alice, room) = shared_room(&server, &peer).await;
        let (bob, eva) = (server.user("bob").await, peer.user("eva"));
        bob.join(&room).await;
        let shut = alice.create_room(json!({ "preset": "public_chat" })).await;
        let mallory = evil.seat(&server, &shut, "mallory").await;
        let event = alice.send_text(&shut, "read me").await;
        let acl = json!({ "allow": ["*"], "deny": ["127.0.0.3"] });
        alice.set_state(&shut, "m.room.server_acl", "", acl).await;
        let here = alice.send_text(&room, "read me").await;
        let before = alice.sync(None).await;
        let stranger = evil.user("stranger");
        // Of another server, of this one, of nobody in the room, and of a server that the room shuts out.
        for (user, room, event) in [
            (eva.as_str(), &room, &here),
            (bob.id.as_str(), &room, &here),
            (stranger.as_str(), &room, &here),
            (mallory.as_str(), &shut, &event),
        ] {
            let typing = json!({ "room_id": room, "user_id": user, "typing": true });
            evil.edu(&server, "m.typing", typing).await;
            let read = json!({ "event_ids": [event], "data": { "ts": 1 } });
            let receipt = json!({ (room.as_str()): { "m.read": { (user): read } } });
            evil.edu(&server, "m.receipt", receipt).await;
        }
        for user in [eva.as_str(), bob.id.as_str(), stranger.as_str()] {
            let update = json!({ "user_id": user, "presence": "online", "last_active_ago": 1 });
            evil.edu(&server, "m.presence", json!({ "push": [update] })).await;
            let update = json!({ "user_id": user, "device_id": "D", "stream_id": 1 });
            evil.edu(&server, "m.device_list_update", update).await;
            evil.edu(&server, "m.signing_key_update", json!({ "user_id": user }))
                .await;
        }
        for (kind, content) in [
            (
                "m.typing",
                json!({ "room_id": "!unknown:x", "user_id": mallory, "typing": true }),
            ),
            ("m.typing", json!({ "room_id": 5 })),
            ("m.receipt", json!([])),
            ("m.presence", json!({ "push": {} })),
            ("m.device_list_update", json!({})),
        ] {
            evil.edu(&server, kind, content).await;
        }
        let after = alice.sync(Some(&token(&before))).await;
        assert_eq!(after["rooms"]["join"], Value::Null, "{after}");
        assert_eq!(after["device_lists"]["changed"], Value::Null, "{after}");
        let present = after["presence"].to_string();
        for user in [eva.as_str(), bob.id.as_str(), stranger.as_str()] {
            assert!(!present.contains(user), "{present}");
        }
    })
    .await;
}
