//! News that isn't an event, in such numbers or of such people that it must not count. What a server may tell at all is in
//! `federation/edus.rs`.

use serde_json::{Value, json};

use super::{Scene, scenes_in, value};

/// "A maximum of 100 EDUs per transaction."
const PER_TRANSACTION: usize = 100;

async fn tell(scene: &Scene, edus: &[(&str, Value)]) {
    for edus in edus.chunks(PER_TRANSACTION) {
        let txn = scene.txn();
        assert_eq!(scene.evil.tell(&scene.server, &txn, edus).await, 200);
    }
}

#[tokio::test]
async fn a_flood_of_messages_to_devices_leaves_room_for_those_of_others() {
    scenes_in(
        "127.0.0.2",
        json!({ "preset": "public_chat" }),
        async |scene: &mut Scene| {
            let (anna, mallory) = (scene.anna.id.to_string(), scene.mallory.clone());
            let ghost = format!("@ghost:{}", scene.server.name());
            let message = |id: usize, to: &str, device: &str| {
                (
                    "m.direct_to_device",
                    json!({
                        "sender": mallory, "type": "m.dummy", "message_id": format!("id{id}"),
                        "messages": { to: { device: { "n": id } } },
                    }),
                )
            };
            let edus: Vec<_> = (0..3_000)
                .map(|id| match id % 12 {
                    0 => message(id, &ghost, "*"),
                    1 => message(id, &anna, "NOWHERE"),
                    _ => message(id, &anna, "*"),
                })
                .chain((3_000..3_200).map(|id| message(id, &anna, "*")))
                .collect();
            tell(scene, &edus).await;
            // What the honest server has to say comes all the same, after the others.
            let key = json!({
                "sender": scene.clara, "type": "m.room_key", "message_id": "key",
                "messages": { &anna: { "*": { "room_key": "of Clara" } } },
            });
            let told = scene
                .honest
                .tell(&scene.server, "key", &[("m.direct_to_device", key)])
                .await;
            assert_eq!(told, 200);
            let mut since = None;
            let (mut flood, mut found) = (0, false);
            for _ in 0..100 {
                let sync = scene.anna.sync(since.as_deref()).await;
                let events = sync["to_device"]["events"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                assert!(events.len() <= 100, "{} at once", events.len());
                if events.is_empty() {
                    break;
                }
                found |= events
                    .iter()
                    .any(|event| event["content"]["room_key"] == "of Clara");
                flood += events
                    .iter()
                    .filter(|event| event["sender"] == json!(mallory))
                    .count();
                since = sync["next_batch"].as_str().map(ToOwned::to_owned);
            }
            assert!(found, "the room key arrives");
            assert_eq!(flood, 2_000, "one person fills no more than that");
            // As soon as Anna has read them, there is room again.
            tell(scene, &[message(9_999, &anna, "*")]).await;
            let sync = scene.anna.sync(since.as_deref()).await;
            assert_eq!(
                sync["to_device"]["events"][0]["content"]["n"],
                json!(9_999),
                "{sync}"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn thousands_of_changes_of_devices_are_one_change() {
    scenes_in("127.0.0.2", json!({ "preset": "public_chat" }), async |scene: &mut Scene| {
        let mallory = scene.mallory.clone();
        let before = scene.anna.sync(None).await["next_batch"].as_str().expect("a token").to_owned();
        let ids = (0..2_000_u64).map(|number| number.wrapping_mul(6_364_136_223_846_793_005) >> 12);
        let edus: Vec<_> = ids
            .map(|id| ("m.device_list_update", json!({
                "user_id": mallory, "device_id": format!("D{}", id % 50), "stream_id": id, "prev_id": [id / 2],
                "keys": { "user_id": "@somebody:else", "algorithms": ["x".repeat(100)], "signatures": 5 },
            })))
            .collect();
        tell(scene, &edus).await;
        let sync = scene.anna.sync(Some(&before)).await;
        assert_eq!(sync["device_lists"]["changed"], json!([mallory]), "{sync}");
        let asked = scene.evil.asked("GET /_matrix/federation/v1/user/devices/");
        assert!(asked.len() <= 1, "{} times asked", asked.len());
        // Of people with whom nobody here shares a room, nothing is noted.
        let before = sync["next_batch"].as_str().expect("a token").to_owned();
        let unknown = scene.evil.user("unknown");
        tell(scene, &[("m.device_list_update", json!({ "user_id": unknown, "device_id": "D", "stream_id": 1 }))]).await;
        let sync = scene.anna.sync(Some(&before)).await;
        assert_eq!(sync["device_lists"]["changed"], Value::Null, "{sync}");
    })
    .await;
}

#[tokio::test]
async fn what_a_room_keeps_out_comes_by_no_other_server_either() {
    scenes_in(
        "127.0.0.2",
        json!({ "preset": "public_chat" }),
        async |scene: &mut Scene| {
            let mallory = scene.mallory.clone();
            let first = scene.room.text(&mallory, "before");
            scene.accepted(&[&first]).await;
            let mut room = scene.room.clone();
            let acl = json!({ "allow": ["*"], "deny": ["127.0.0.2"] });
            scene
                .anna
                .set_state(&scene.room_id, "m.room.server_acl", "", acl)
                .await;
            let text = room.text(&mallory, "canary");
            // Itself, and relayed by the honest server.
            for relay in [&scene.evil, &scene.honest] {
                let (status, answer) = relay.send_json(&scene.server, "acl", vec![value(&text)]).await;
                assert_eq!(status, 200);
                assert_ne!(answer["pdus"][text.event_id().as_str()], json!({}), "{answer}");
            }
            scene.is_hidden(text.event_id()).await;
            // What the server that is kept out relays of the honest one isn't taken from it.
            let honest = scene
                .honest
                .room_of(&scene.server, &scene.room_id)
                .await
                .text(&scene.clara, "relayed");
            let (_, answer) = scene
                .evil
                .send_json(&scene.server, "relay", vec![value(&honest)])
                .await;
            assert_ne!(answer["pdus"][honest.event_id().as_str()], json!({}), "{answer}");
            scene.is_hidden(honest.event_id()).await;
            assert_eq!(scene.texts().await, ["before"]);
            // By the honest server it is.
            let answer = scene.honest.send(&scene.server, "itself", &[&honest]).await;
            assert_eq!(answer, json!({ honest.event_id(): {} }));
            // Nor may the other server read here.
            let path = format!(
                "/_matrix/federation/v1/event/{}",
                rohrpost_testkit::enc(honest.event_id().as_str())
            );
            assert_eq!(scene.evil.ask(&scene.server, "GET", &path, None).await.0, 404);
        },
    )
    .await;
}
