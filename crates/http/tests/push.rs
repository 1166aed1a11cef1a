//! Pushes, from the event to a push gateway, on both engines.

use std::time::Duration;

use rohrpost_testkit::{Networks, TestServer, User, enc};
use serde_json::{Value, json};

use crate::gateway::Gateway;

const SET: &str = "/_matrix/client/v3/pushers/set";

fn pusher(gateway: &Gateway, pushkey: &str) -> Value {
    json!({
        "app_id": "org.example.app", "pushkey": pushkey, "kind": "http", "app_display_name": "App",
        "device_display_name": "Phone", "lang": "de", "data": { "url": gateway.url(), "shade": "dark" },
    })
}

/// Alice, Bob, and a room they are in. Bob has a pusher.
async fn alice_and_bob(server: &TestServer, gateway: &Gateway) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice.create_room(json!({ "preset": "public_chat" })).await;
    bob.join(&room).await;
    server.push().await;
    assert_eq!(bob.post(SET, pusher(gateway, "key")).await, (200, json!({})));
    (alice, bob, room)
}

/// Runs a test on both engines, each with a gateway of its own.
async fn each(test: impl AsyncFn(TestServer, &Gateway)) {
    let gateway = Gateway::start().await;
    TestServer::with(|settings| gateway.allow(settings))
        .each(async |server| {
            gateway.received();
            test(server, &gateway).await;
        })
        .await;
}

#[tokio::test]
async fn a_message_is_told_once_by_its_ids_alone() {
    each(async |server, gateway| {
        let (alice, _, room) = alice_and_bob(&server, gateway).await;
        let event = alice.send_text(&room, "a secret").await;
        server.push().await;
        let told = gateway.received();
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].notification(),
            json!({
                "event_id": event, "room_id": room, "prio": "high", "counts": { "unread": 1 },
                "devices": [{
                    "app_id": "org.example.app", "pushkey": "key",
                    "data": { "format": "event_id_only", "shade": "dark" }, "tweaks": { "sound": "default" },
                }],
            })
        );
        assert_eq!(told[0].headers["content-type"], "application/json");
        server.push().await;
        assert!(gateway.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_mentioned_comes_loud_and_the_number_grows() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        for n in 0..2 {
            let content =
                json!({ "msgtype": "m.text", "body": n.to_string(), "m.mentions": { "user_ids": [bob.id] } });
            alice.send(&room, "m.room.message", content).await;
            server.push().await;
        }
        let told = gateway.notifications();
        assert_eq!(told.len(), 2, "{told:?}");
        for (told, unread) in told.iter().zip(1..) {
            assert_eq!(told["prio"], "high");
            assert_eq!(
                told["devices"][0]["tweaks"],
                json!({ "highlight": true, "sound": "default" })
            );
            assert_eq!(told["counts"]["unread"], unread);
        }
    })
    .await;
}

#[tokio::test]
async fn reading_takes_the_number_off() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        let event = alice.send_text(&room, "hi").await;
        server.push().await;
        assert_eq!(gateway.notifications().len(), 1);
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read.private/{}",
            enc(&room),
            enc(&event)
        );
        assert_eq!(bob.post(&path, json!({})).await.0, 200);
        server.push().await;
        let told = gateway.notifications();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["counts"], json!({ "unread": 0 }));
        assert_eq!(told[0]["event_id"], Value::Null);
        server.push().await;
        assert!(gateway.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_read_before_it_was_told_is_not_told() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        alice.send_text(&room, "hi").await;
        // Who answers has read.
        bob.send_text(&room, "hi yourself").await;
        server.push().await;
        let told = gateway.notifications();
        assert!(told.iter().all(|told| told["event_id"].is_null()), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    each(async |server, gateway| {
        let (alice, _, room) = alice_and_bob(&server, gateway).await;
        let event = alice.send_text(&room, "hi").await;
        server.restart().await;
        server.push().await;
        let told = gateway.notifications();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["event_id"], event);
        server.restart().await;
        server.push().await;
        assert!(gateway.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_fails_is_tried_again_later_and_later() {
    each(async |server, gateway| {
        let (alice, _, room) = alice_and_bob(&server, gateway).await;
        gateway.answer(502, json!({}));
        gateway.answer(500, json!("not what one expects"));
        let event = alice.send_text(&room, "hi").await;
        server.push().await;
        assert_eq!(gateway.received().len(), 1);
        for (seconds, tries) in [(29, 0), (2, 1), (58, 0), (3, 1)] {
            server.clock().advance(Duration::from_secs(seconds));
            server.push().await;
            let told = gateway.notifications();
            assert_eq!(told.len(), tries, "after {seconds} s");
            assert!(told.iter().all(|told| told["event_id"] == event));
        }
        server.clock().advance(Duration::from_secs(7200));
        server.push().await;
        assert!(gateway.received().is_empty(), "it was taken");
    })
    .await;
}

#[tokio::test]
async fn a_pusher_that_its_gateway_rejects_is_removed() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        gateway.answer(200, json!({ "rejected": ["another"] }));
        alice.send_text(&room, "hi").await;
        server.push().await;
        let (_, kept) = bob.get("/_matrix/client/v3/pushers").await;
        assert_eq!(kept["pushers"].as_array().map(Vec::len), Some(1));
        gateway.answer(200, json!({ "rejected": ["key"] }));
        alice.send_text(&room, "hi").await;
        server.push().await;
        assert_eq!(
            bob.get("/_matrix/client/v3/pushers").await.1,
            json!({ "pushers": [] })
        );
        gateway.received();
        alice.send_text(&room, "hi").await;
        server.push().await;
        assert!(gateway.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_told_and_what_was_before_it_is_not() {
    each(async |server, gateway| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        server.push().await;
        assert_eq!(bob.post(SET, pusher(gateway, "key")).await.0, 200);
        let room = alice.create_room(json!({ "preset": "private_chat" })).await;
        alice.send_text(&room, "between ourselves").await;
        alice.invite(&room, &bob).await;
        alice.send_text(&room, "not yet").await;
        server.push().await;
        let told = gateway.notifications();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["room_id"], room);
        assert_eq!(told[0]["counts"]["unread"], 1);
    })
    .await;
}

#[tokio::test]
async fn rules_and_ignored_people_are_respected() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        let rule = format!("/_matrix/client/v3/pushrules/global/room/{}", enc(&room));
        assert_eq!(bob.put(&rule, json!({ "actions": [] })).await.0, 200);
        alice.send_text(&room, "quiet").await;
        server.push().await;
        assert!(gateway.received().is_empty());
        assert_eq!(bob.delete(&rule).await.0, 200);
        let ignored = format!(
            "/_matrix/client/v3/user/{}/account_data/m.ignored_user_list",
            enc(bob.id.as_str())
        );
        let list = json!({ "ignored_users": { alice.id.as_str(): {} } });
        assert_eq!(bob.put(&ignored, list).await.0, 200);
        alice.send_text(&room, "unheard").await;
        server.push().await;
        assert!(gateway.received().is_empty());
        assert_eq!(bob.put(&ignored, json!({ "ignored_users": {} })).await.0, 200);
        let event = alice.send_text(&room, "heard").await;
        server.push().await;
        let told = gateway.notifications();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["event_id"], event);
    })
    .await;
}

#[tokio::test]
async fn what_was_taken_back_or_left_behind_is_not_told() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        let event = alice.send_text(&room, "oops").await;
        let path = format!(
            "/_matrix/client/v3/rooms/{}/redact/{}/t1",
            enc(&room),
            enc(&event)
        );
        assert_eq!(alice.put(&path, json!({})).await.0, 200);
        server.push().await;
        let told = gateway.notifications();
        assert!(told.iter().all(|told| told["event_id"] != event), "{told:?}");
        alice.send_text(&room, "hi").await;
        bob.leave(&room).await;
        alice.send_text(&room, "he is gone").await;
        server.push().await;
        let told = gateway.notifications();
        assert!(told.iter().all(|told| told["event_id"].is_null()), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_gateway_learns_more_where_the_operator_allows_it() {
    let gateway = Gateway::start().await;
    TestServer::with(|settings| {
        gateway.allow(settings);
        settings.push.event_id_only = false;
    })
    .each(async |server| {
        let (alice, bob, room) = alice_and_bob(&server, &gateway).await;
        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await;
        server.push().await;
        gateway.received();
        alice.send_text(&room, "good morning").await;
        server.push().await;
        let told = gateway.notifications();
        assert_eq!(told.len(), 1, "{told:?}");
        let told = &told[0];
        assert_eq!(told["content"]["body"], "good morning");
        assert_eq!(
            (&told["type"], &told["sender"]),
            (&json!("m.room.message"), &json!(alice.id))
        );
        assert_eq!(
            (&told["room_name"], &told["sender_display_name"]),
            (&json!("Bauamt"), &json!("alice"))
        );
        // A client that wants ids only gets ids only.
        let mut modest = pusher(&gateway, "key");
        modest["data"]["format"] = json!("event_id_only");
        assert_eq!(bob.post(SET, modest).await.0, 200);
        alice.send_text(&room, "good morning").await;
        server.push().await;
        assert_eq!(gateway.notifications()[0]["content"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn nothing_in_a_private_network_is_told_anything() {
    each(async |server, gateway| {
        let (alice, bob, room) = alice_and_bob(&server, gateway).await;
        alice.send_text(&room, "hi").await;
        server.push_through(Networks::Public).await;
        assert!(gateway.received().is_empty());
        let (_, kept) = bob.get("/_matrix/client/v3/pushers").await;
        assert_eq!(
            kept["pushers"].as_array().map(Vec::len),
            Some(1),
            "it is tried again"
        );
    })
    .await;
}

#[tokio::test]
async fn only_gateways_that_the_operator_allows_can_be_set() {
    each(async |server, gateway| {
        let bob = server.user("bob").await;
        let with = |url: &str| {
            let mut pusher = pusher(gateway, "key");
            pusher["data"]["url"] = json!(url);
            pusher
        };
        let other = "https://elsewhere.example/_matrix/push/v1/notify";
        for (url, status, errcode) in [
            (other, 403, "M_FORBIDDEN"),
            (
                "http://169.254.169.254/_matrix/push/v1/notify",
                403,
                "M_FORBIDDEN",
            ),
            (
                &format!("{}/another/path", gateway.origin),
                400,
                "M_INVALID_PARAM",
            ),
            (&format!("{}?x", gateway.url()), 400, "M_INVALID_PARAM"),
            ("no address", 400, "M_INVALID_PARAM"),
        ] {
            let (is, body) = bob.post(SET, with(url)).await;
            assert_eq!((is, &body["errcode"]), (status, &json!(errcode)), "{url}: {body}");
        }
        let mut unknown = pusher(gateway, "key");
        unknown["kind"] = json!("pigeon");
        assert_eq!(bob.post(SET, unknown).await.0, 400);
        assert_eq!(server.post(SET, None, pusher(gateway, "key")).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn everybody_in_a_large_room_is_told() {
    each(async |server, gateway| {
        let (alice, _, room) = alice_and_bob(&server, gateway).await;
        for n in 0..30 {
            let user = server.user(&format!("user{n}")).await;
            user.join(&room).await;
            assert_eq!(user.post(SET, pusher(gateway, &format!("key{n}"))).await.0, 200);
        }
        server.push().await;
        gateway.received();
        alice.send_text(&room, "hi all").await;
        server.push().await;
        let told = gateway.notifications();
        let keys: std::collections::BTreeSet<_> = told
            .iter()
            .map(|told| told["devices"][0]["pushkey"].to_string())
            .collect();
        assert_eq!((told.len(), keys.len()), (31, 31));
    })
    .await;
}
