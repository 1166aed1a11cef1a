//! Endpoints for keys and backups.

use serde_json::json;

use super::{
    given::identity,
    row::{Again::Other, Row, Unknown, row},
    world::session_key,
};
use crate::{cross_signing::Identity, signing::device_keys};

const VERSION: &str = "version={version}";
const NO_VERSION: &str = "version=nothing";
const OTHERS: &str = "version={other:version}";
const BOTH: &str = "deleting what isn't there deletes nothing";

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let algorithm = json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": { "public_key": "new" } });
    let room = json!({ "sessions": { "{sessionId}": session_key() } });
    let keys = json!({ "rooms": { "{roomId}": room } });
    let any_room = Unknown::Fine("a backup names rooms that its owner has long left");
    vec![
        row("POST", "/_matrix/client/v3/keys/upload").body(json!({ "one_time_keys": {}, "fallback_keys": {} })).gives("/one_time_key_counts"),
        row("POST", "/_matrix/client/v3/keys/query").body(json!({ "device_keys": { "{bob}": ["{bobDevice}"] }, "timeout": 1000 }))
            .wrong(|world| ["@nobody:test.example", world.get("mallory")].map(|user| json!({ "device_keys": { (user): ["NOTHING"] } })),
                Unknown::Says(":{}}}", "who has no such device has no keys of it"))
            .gives("/device_keys"),
        row("POST", "/_matrix/client/v3/keys/claim").body(json!({ "one_time_keys": { "{bob}": { "{bobDevice}": "signed_curve25519" } }, "timeout": 1000 }))
            .wrong(|world| ["@nobody:test.example", world.get("mallory")].map(|user| json!({ "one_time_keys": { (user): { "NOTHING": "signed_curve25519" } } })),
                Unknown::Says("\"one_time_keys\":{}", "who has no such device has no keys of it"))
            .gives("/one_time_keys").again(Other("each key is given once")),
        row("POST", "/_matrix/client/v3/keys/device_signing/upload").signed(|world| Identity::new(10).body(&world.alice))
            .unknown("/master_key/user_id", Unknown::Refused(400, "M_INVALID_PARAM")),
        row("POST", "/_matrix/client/v3/keys/signatures/upload").given(identity)
            .signed(|world| {
                let device = Identity::new(10).sign_device(&world.alice, &device_keys(&world.alice));
                json!({ (world.alice.id.as_str()): { (world.alice.device.as_str()): device } })
            })
            .wrong(|world| {
                let device = Identity::new(10).sign_device(&world.alice, &device_keys(&world.alice));
                let of = |user: &str, name: &str| json!({ (user): { (name): device } });
                [of("@nobody:test.example", "NOTHING"), of(world.mallory.id.as_str(), world.mallory.device.as_str())]
            }, Unknown::Says("M_NOT_FOUND", "each signature fails for itself")),
        row("POST", "/_matrix/client/v3/room_keys/version").body(algorithm.clone()).gives("/version").again(Other("each request makes another")),
        row("GET", "/_matrix/client/v3/room_keys/version").gives("/version").gives("/etag").gives("/count").gives("/auth_data"),
        row("GET", "/_matrix/client/v3/room_keys/version/{version}").gives("/version").gives("/etag").gives("/count").gives("/auth_data"),
        row("PUT", "/_matrix/client/v3/room_keys/version/{version}").body(algorithm),
        row("DELETE", "/_matrix/client/v3/room_keys/version/{version}"),
        row("GET", "/_matrix/client/v3/room_keys/keys")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/rooms"),
        row("GET", "/_matrix/client/v3/room_keys/keys/{roomId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/sessions")
            .unknown("roomId", Unknown::Fine("\"If no keys are found, an object with empty sessions\"")),
        row("GET", "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/session_data")
            .unknown("roomId", Unknown::Refused(404, "M_NOT_FOUND")),
        row("PUT", "/_matrix/client/v3/room_keys/keys")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").body(keys).gives("/etag").gives("/count"),
        row("PUT", "/_matrix/client/v3/room_keys/keys/{roomId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").body(room).gives("/etag").gives("/count").unknown("roomId", any_room),
        row("PUT", "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").body(session_key()).gives("/etag").gives("/count")
            .unknown("roomId", any_room).unknown("sessionId", Unknown::Fine("a session is what the client says it is")),
        row("DELETE", "/_matrix/client/v3/room_keys/keys")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/etag").gives("/count"),
        row("DELETE", "/_matrix/client/v3/room_keys/keys/{roomId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/etag").gives("/count").unknown("roomId", Unknown::Fine(BOTH)),
        row("DELETE", "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}")
            .query(VERSION).other_query(NO_VERSION, 404, "M_NOT_FOUND").other_query(OTHERS, 404, "M_NOT_FOUND").gives("/etag").gives("/count")
            .unknown("roomId", Unknown::Fine(BOTH)).unknown("sessionId", Unknown::Fine(BOTH)),
    ]
}
