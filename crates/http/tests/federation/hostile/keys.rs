//! Keys of servers: which of them counts for what, and when.

use rohrpost_room::keys::{key_from_seed, key_id, verify_key};
use ruma::{
    CanonicalJsonObject, EventId,
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash, sign_json},
};
use serde_json::{Value, json};

use super::{Scene, scenes, value};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What a server publishes: a current key, and one that it gave up at a time.
fn document(scene: &Scene, current: &Ed25519KeyPair, old: &Ed25519KeyPair, expired_ts: i64) -> Value {
    let document = json!({
        "server_name": scene.evil.name(),
        "verify_keys": { key_id(current): { "key": verify_key(current) } },
        "old_verify_keys": { key_id(old): { "key": verify_key(old), "expired_ts": expired_ts } },
        "valid_until_ts": 4_000_000_000_000_i64,
    });
    let mut document: CanonicalJsonObject = serde_json::from_value(document).expect("an object");
    sign_json(scene.evil.name().as_str(), current, &mut document).expect("a signature");
    json!(document)
}

/// A text signed with any key, said to be made at a time; its id and itself.
fn text(scene: &Scene, key: &Ed25519KeyPair, body: &str, ts: i64) -> (ruma::OwnedEventId, Value) {
    let mut event = value(&scene.room.clone().text(&scene.mallory, body));
    event["origin_server_ts"] = json!(ts);
    for stale in ["hashes", "signatures"] {
        event.as_object_mut().expect("an object").remove(stale);
    }
    let rules = rohrpost_room::rules(&scene.room.version).expect("a version");
    let mut event: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
    hash_and_sign_event(scene.evil.name().as_str(), key, &mut event, &rules.redaction).expect("a signature");
    let hash = reference_hash(&event, rules).expect("a hash");
    (EventId::new_v2_or_v3(&hash).expect("an id"), json!(event))
}

#[tokio::test]
async fn a_key_that_was_given_up_signs_nothing_new() {
    scenes(async |scene: &mut Scene| {
        let now_ts = scene.server.core().now_ts();
        let old = key_from_seed(&[7; 32], "old").expect("a key");
        let expired_ts = now_ts - HOUR_MS;
        scene.evil.answers(
            "GET /_matrix/key/v2/server",
            document(scene, scene.evil.key(), &old, expired_ts),
        );
        // What was fetched before isn't asked for again at once.
        scene.server.clock().advance(std::time::Duration::from_secs(120));
        let (new_id, new) = text(scene, &old, "new", now_ts);
        let (good_id, good) = text(scene, &old, "as long as it was good", expired_ts - 1);
        scene.send(&[new]).await;
        assert!(scene.server.kept(&scene.room.room_id, &new_id).await.is_none());
        let answer = scene.send(&[good]).await;
        assert_eq!(answer[good_id.as_str()], json!({}), "{answer}");
        assert_eq!(scene.texts().await, ["as long as it was good"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_tells_the_keys_of_another_server() {
    scenes(async |scene: &mut Scene| {
        // The hostile server publishes its own key as that of the honest one, as a notary would.
        let now_ts = scene.server.core().now_ts();
        let stolen = key_from_seed(&[9; 32], "stolen").expect("a key");
        let notary = json!({
            "server_name": scene.honest.name(),
            "verify_keys": { key_id(&stolen): { "key": verify_key(&stolen) } },
            "old_verify_keys": {},
            "valid_until_ts": 4_000_000_000_000_i64,
        });
        let mut notary: CanonicalJsonObject = serde_json::from_value(notary).expect("an object");
        sign_json(scene.honest.name().as_str(), &stolen, &mut notary).expect("a signature");
        sign_json(scene.evil.name().as_str(), scene.evil.key(), &mut notary).expect("a signature");
        for path in [
            "GET /_matrix/key/v2/server",
            "POST /_matrix/key/v2/query",
            "GET /_matrix/key/v2/query",
        ] {
            scene.evil.answers(path, json!({ "server_keys": [notary] }));
        }
        scene.evil.answers("GET /_matrix/key/v2/server", json!(notary));
        scene.server.clock().advance(std::time::Duration::from_secs(120));
        let room = scene.honest.room_of(&scene.server, &scene.room_id).await;
        let mut forged = value(&room.clone().text(&scene.clara, "canary"));
        forged["origin_server_ts"] = json!(now_ts);
        forged.as_object_mut().expect("an object").remove("hashes");
        forged.as_object_mut().expect("an object").remove("signatures");
        let rules = rohrpost_room::rules(&scene.room.version).expect("a version");
        let mut forged: CanonicalJsonObject = serde_json::from_value(forged).expect("canonical JSON");
        hash_and_sign_event(
            scene.honest.name().as_str(),
            &stolen,
            &mut forged,
            &rules.redaction,
        )
        .expect("a signature");
        let hash = reference_hash(&forged, rules).expect("a hash");
        let forged_id = EventId::new_v2_or_v3(&hash).expect("an id");
        scene.send(&[json!(forged)]).await;
        assert!(scene.server.kept(&scene.room.room_id, &forged_id).await.is_none());
        for asked in scene.evil.asked("") {
            assert!(
                !asked.0.contains("/key/v2/query"),
                "no notary is asked: {}",
                asked.0
            );
        }
        // And this server is a notary for nobody.
        let path = format!(
            "/_matrix/key/v2/query/{}",
            rohrpost_testkit::enc(scene.honest.name().as_str())
        );
        assert_eq!(scene.server.get(&path, None).await.0, 404);
    })
    .await;
}
