//! Devices that receive keys while nobody is signed in, on both engines.

use rohrpost_testkit::{TestServer, User};
use serde_json::{Value, json};

use crate::signing::{Key, device_keys_with, query, refusal, refused};

const DEVICE: &str = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

fn events_path(device: &str) -> String {
    format!("{DEVICE}/{device}/events")
}

/// The user, as if they sat at the dehydrated device.
fn at(user: &User, device: &str) -> User {
    let mut at = user.clone();
    at.device = device.into();
    at
}

fn data() -> Value {
    json!({ "algorithm": "org.matrix.msc3814.v2", "device_pickle": "encrypted", "nonce": "once" })
}

/// Publishes a dehydrated device with one one-time key.
fn new(user: &User, device: &str, seed: u8) -> Value {
    let (at, key) = (at(user, device), Key::of_device(device, seed));
    json!({
        "device_id": device,
        "initial_device_display_name": "dehydrated",
        "device_data": data(),
        "device_keys": device_keys_with(&at, &key),
        "one_time_keys": { "signed_curve25519:A": key.sign(&at, &json!({ "key": "a" })) },
        "fallback_keys": { "signed_curve25519:F": key.sign(&at, &json!({ "key": "f", "fallback": true })) },
    })
}

async fn put(user: &User, device: &str) {
    let answer = user.put(DEVICE, new(user, device, 7)).await;
    assert_eq!(answer, (200, json!({ "device_id": device })));
}

async fn send(sender: &User, receiver: &User, device: &str, number: u32) {
    let path = format!("/_matrix/client/v3/sendToDevice/m.room_key/{device}{number}");
    let messages = json!({ "messages": { (receiver.id.as_str()): { (device): { "n": number } } } });
    assert_eq!(sender.put(&path, messages).await.0, 200);
}

#[tokio::test]
async fn what_others_send_while_nobody_is_signed_in_can_be_read_by_the_next_device() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        put(&alice, "DRY").await;
        let keys = query(&bob, &[&alice]).await;
        assert!(
            keys["device_keys"][alice.id.as_str()]["DRY"].is_object(),
            "{keys}"
        );
        let claim = json!({ "one_time_keys": { (alice.id.as_str()): { "DRY": "signed_curve25519" } } });
        for id in ["signed_curve25519:A", "signed_curve25519:F"] {
            let (_, answer) = bob.post("/_matrix/client/v3/keys/claim", claim.clone()).await;
            assert!(
                answer["one_time_keys"][alice.id.as_str()]["DRY"][id].is_object(),
                "{answer}"
            );
        }
        for number in 0..150 {
            send(&bob, &alice, "DRY", number).await;
        }
        server.restart().await;

        let answer = alice.get(DEVICE).await;
        assert_eq!(
            answer,
            (200, json!({ "device_id": "DRY", "device_data": data() }))
        );
        // Read twice: the first reading was interrupted.
        for _ in 0..2 {
            let (mut from, mut numbers) = (None::<Value>, Vec::new());
            loop {
                let body = from.map_or(json!({}), |from| json!({ "next_batch": from }));
                let (status, answer) = alice.post(&events_path("DRY"), body).await;
                assert_eq!(status, 200, "{answer}");
                let events = answer["events"].as_array().expect("a list").clone();
                if events.is_empty() {
                    break;
                }
                for event in &events {
                    assert_eq!(
                        (&event["type"], &event["sender"]),
                        (&json!("m.room_key"), &json!(bob.id))
                    );
                }
                numbers.extend(events.iter().filter_map(|event| event["content"]["n"].as_u64()));
                from = Some(answer["next_batch"].clone());
            }
            assert_eq!(numbers, (0..150).collect::<Vec<_>>());
        }
        // As matrix-js-sdk asks: until there is no token.
        let (mut query, mut numbers) = (String::new(), Vec::new());
        loop {
            let (status, answer) = alice.get(&format!("{}{query}", events_path("DRY"))).await;
            assert_eq!(status, 200, "{answer}");
            let events = answer["events"].as_array().expect("a list");
            numbers.extend(events.iter().filter_map(|event| event["content"]["n"].as_u64()));
            let Some(token) = answer.get("next_batch") else {
                break;
            };
            let token = token.as_str().expect("a token or nothing");
            query = format!("?from={token}");
        }
        assert_eq!(numbers, (0..150).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn there_is_one_for_each_user_and_others_learn_of_its_end() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        put(&alice, "FIRST").await;
        send(&alice, &alice, "FIRST", 1).await;
        let since = alice.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        put(&alice, "SECOND").await;
        put(&alice, "SECOND").await;
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(sync["device_lists"]["changed"], json!([alice.id]));
        let devices = query(&alice, &[&alice]).await["device_keys"][alice.id.as_str()].clone();
        let known: Vec<&String> = devices.as_object().expect("an object").keys().collect();
        assert_eq!(known, ["SECOND"], "the one before is gone with its keys");
        assert_eq!(
            refusal(alice.post(&events_path("FIRST"), json!({})).await),
            refused(403, "M_FORBIDDEN")
        );

        assert_eq!(
            alice.delete(DEVICE).await,
            (200, json!({ "device_id": "SECOND" }))
        );
        assert_eq!(refusal(alice.delete(DEVICE).await), refused(404, "M_NOT_FOUND"));
        assert_eq!(refusal(alice.get(DEVICE).await), refused(404, "M_NOT_FOUND"));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_the_callers_dehydrated_device_is_refused() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        put(&bob, "DRY").await;
        // Whether somebody else has one makes no difference.
        for device in ["DRY", "NONE", alice.device.as_str()] {
            let answer = alice.post(&events_path(device), json!({})).await;
            assert_eq!(refusal(answer), refused(403, "M_FORBIDDEN"));
            let answer = alice.get(&events_path(device)).await;
            assert_eq!(refusal(answer), refused(403, "M_FORBIDDEN"));
        }
        // A device that somebody is signed in on can't become one.
        let taken = alice.put(DEVICE, new(&alice, alice.device.as_str(), 7)).await;
        assert_eq!(refusal(taken), refused(400, "M_INVALID_PARAM"));
        let mut unsigned = new(&alice, "DRY", 7);
        unsigned["device_keys"]["signatures"] = json!({});
        assert_eq!(alice.put(DEVICE, unsigned).await.0, 400);
        let mut large = new(&alice, "DRY", 7);
        large["device_data"]["device_pickle"] = json!("a".repeat(300_000));
        assert_eq!(
            refusal(alice.put(DEVICE, large).await),
            refused(413, "M_TOO_LARGE")
        );
        assert_eq!(alice.put(DEVICE, json!({ "device_id": 5 })).await.0, 400);
        assert_eq!(refusal(alice.get(DEVICE).await), refused(404, "M_NOT_FOUND"));
        let token = json!({ "next_batch": "nonsense" });
        assert_eq!(
            refusal(bob.post(&events_path("DRY"), token).await),
            refused(400, "M_INVALID_PARAM")
        );
        let by_query = format!("{}?from=nonsense", events_path("DRY"));
        assert_eq!(refusal(bob.get(&by_query).await), refused(400, "M_INVALID_PARAM"));
    })
    .await;
}
