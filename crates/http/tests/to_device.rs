//! Messages from device to device, on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Map, Value, json};

use crate::{
    figures::{Figures, SYNCS_WAITING},
    signing::{refusal, refused},
};

fn path(kind: &str, txn: &str) -> String {
    format!("/_matrix/client/v3/sendToDevice/{}/{}", enc(kind), enc(txn))
}

async fn send(sender: &User, txn: &str, messages: Value) {
    let (status, answer) = sender
        .put(&path("m.dummy", txn), json!({ "messages": messages }))
        .await;
    assert_eq!((status, answer), (200, json!({})));
}

/// The contents that a sync delivers, and where it ends.
async fn received(user: &User, since: Option<&str>) -> (Vec<Value>, String) {
    let sync = user.sync(since).await;
    let events = sync["to_device"]["events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    (events, sync["next_batch"].as_str().expect("a token").to_owned())
}

#[tokio::test]
async fn a_message_arrives_with_its_sender_and_goes_once_it_was_seen() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        send(
            &alice,
            "1",
            json!({ (bob.id.as_str()): { (bob.device.as_str()): { "n": 1 } } }),
        )
        .await;
        let expected = vec![json!({ "type": "m.dummy", "sender": alice.id, "content": { "n": 1 } })];
        let (events, token) = received(&bob, None).await;
        assert_eq!(events, expected);
        // Not seen until the token is used: the answer may have been lost.
        assert_eq!(received(&bob, None).await.0, expected);
        assert_eq!(received(&bob, Some(&token)).await.0, Vec::<Value>::new());
        assert_eq!(received(&bob, None).await.0, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn messages_survive_a_restart_and_keep_their_order() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        for number in 0..5 {
            let content = json!({ (bob.id.as_str()): { (bob.device.as_str()): { "n": number } } });
            send(&alice, &number.to_string(), content).await;
        }
        server.restart().await;
        let numbers: Vec<Value> = received(&bob, None)
            .await
            .0
            .iter()
            .map(|event| event["content"]["n"].clone())
            .collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
    })
    .await;
}

#[tokio::test]
async fn a_star_is_every_device_and_a_named_device_gets_its_own() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let second = bob.another_device().await;
        let messages =
            json!({ (bob.id.as_str()): { "*": { "to": "all" }, (bob.device.as_str()): { "to": "one" } } });
        send(&alice, "1", messages).await;
        for (device, expected) in [(&bob, "one"), (&second, "all")] {
            let (events, _) = received(device, None).await;
            assert_eq!(events.len(), 1);
            assert_eq!(events[0]["content"]["to"], expected);
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_request_again_is_done_once() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let messages = json!({ (bob.id.as_str()): { (bob.device.as_str()): {} } });
        let once = async || send(&alice, "same", messages.clone()).await;
        tokio::join!(once(), once(), once());
        server.restart().await;
        once().await;
        assert_eq!(received(&bob, None).await.0.len(), 1);
        // Another device, another type: another request.
        send(&alice.another_device().await, "same", messages.clone()).await;
        let (status, _) = alice
            .put(&path("m.other", "same"), json!({ "messages": messages }))
            .await;
        assert_eq!(status, 200);
        assert_eq!(received(&bob, None).await.0.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_waiting_sync_returns() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let (_, token) = received(&bob, None).await;
        let sends = async {
            figures.until(SYNCS_WAITING, 1).await;
            send(&alice, "1", json!({ (bob.id.as_str()): { "*": { "n": 1 } } })).await;
        };
        let (sync, ()) = tokio::join!(bob.sync_waiting(Some(&token), 10_000), sends);
        assert_eq!(sync["to_device"]["events"][0]["content"]["n"], 1);
    })
    .await;
}

#[tokio::test]
async fn who_does_not_exist_gets_nothing_and_nobody_is_told() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let messages = json!({
            "@nobody:test.example": { "*": {}, "X": {} },
            "@eve:elsewhere.example": { "*": {} },
            (bob.id.as_str()): { "GHOST": {} },
        });
        send(&alice, "1", messages).await;
        send(&alice, "2", json!({})).await;
        assert_eq!(received(&bob, None).await.0, Vec::<Value>::new());
        // Who takes the name later isn't given what was meant for nobody.
        let nobody = server.user("nobody").await;
        assert_eq!(received(&nobody, None).await.0, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn malformed_and_oversized_messages_are_refused_as_a_whole() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let to_bob = |content: Value| json!({ "messages": { (bob.id.as_str()): { "*": content } } });
        let many: Map<String, Value> = (0..1_001)
            .map(|number| (format!("D{number}"), json!({})))
            .collect();
        let json = refused(400, "M_BAD_JSON");
        for (name, body, expected) in [
            ("no messages", json!({}), &json),
            ("a list", json!({ "messages": [] }), &json),
            ("no object", to_bob(json!("x")), &json),
            ("a fraction", to_bob(json!({ "x": 0.5 })), &json),
            ("no user id", json!({ "messages": { "bob": { "*": {} } } }), &json),
            (
                "too large",
                to_bob(json!({ "x": "x".repeat(70_000) })),
                &refused(413, "M_TOO_LARGE"),
            ),
            (
                "too many",
                json!({ "messages": { (bob.id.as_str()): many } }),
                &refused(400, "M_INVALID_PARAM"),
            ),
        ] {
            assert_eq!(
                &refusal(alice.put(&path("m.dummy", "1"), body).await),
                expected,
                "{name}"
            );
        }
        let long = "x".repeat(256);
        assert_eq!(
            refusal(alice.put(&path(&long, "1"), to_bob(json!({}))).await),
            refused(400, "M_INVALID_PARAM")
        );
        let anonymous = server.put(&path("m.dummy", "1"), None, to_bob(json!({}))).await;
        assert_eq!(refusal(anonymous), refused(401, "M_MISSING_TOKEN"));
        assert_eq!(received(&bob, None).await.0, Vec::<Value>::new());
    })
    .await;
}
