//! Endpoints that make and change rooms.

use serde_json::json;

use super::row::{
    Again::{Other, Refused},
    Row, Unknown,
    Who::Bob,
    row,
};

const CONTENT: &str = "the content of an event is its type's business";
const ONE_MORE: &str = "each request makes another";

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("POST", "/_matrix/client/v3/createRoom")
            .body(json!({
                "name": "Town", "topic": "All", "preset": "private_chat", "visibility": "private", "invite": ["{bob}"],
                "is_direct": false, "room_version": "12", "creation_content": { "m.federate": true },
                "initial_state": [{ "type": "m.room.guest_access", "content": { "guest_access": "forbidden" } }],
                "power_level_content_override": { "invite": 50 },
            }))
            .gives("/room_id").again(Other(ONE_MORE)),
        row("POST", "/_matrix/client/v3/join/{roomIdOrAlias}").set("roomIdOrAlias", "{openRoom}").body(json!({ "reason": "r" }))
            .unknown("roomIdOrAlias", Unknown::Refused(403, "M_FORBIDDEN")).gives("/room_id"),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/join").set("roomId", "{openRoom}").body(json!({ "reason": "r" })).gives("/room_id"),
        row("POST", "/_matrix/client/v3/knock/{roomIdOrAlias}")
            .before("PUT", "/_matrix/client/v3/rooms/{roomId}/state/m.room.join_rules", json!({ "join_rule": "knock" }))
            .before("POST", "/_matrix/client/v3/rooms/{roomId}/kick", json!({ "user_id": "{bob}" }))
            .by(Bob).body(json!({ "reason": "r" })).unknown("roomIdOrAlias", Unknown::Refused(403, "M_FORBIDDEN")).gives("/room_id"),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/invite").body(json!({ "user_id": "{mallory}", "reason": "r" }))
            .unknown("/user_id", Unknown::Told((404, "M_NOT_FOUND"), (200, ""), "that there is an account tells its profile, too")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/kick").body(json!({ "user_id": "{bob}", "reason": "r" }))
            .unknown("/user_id", Unknown::Refused(403, "M_FORBIDDEN"))
            .again(Refused(403, "M_FORBIDDEN")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/ban").body(json!({ "user_id": "{bob}", "reason": "r" }))
            .unknown("/user_id", Unknown::Fine("somebody may be banned before they come")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/unban").body(json!({ "user_id": "{bob}", "reason": "r" }))
            .unknown("/user_id", Unknown::Refused(403, "M_FORBIDDEN"))
            .before("POST", "/_matrix/client/v3/rooms/{roomId}/ban", json!({ "user_id": "{bob}" }))
            .again(Refused(403, "M_FORBIDDEN")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/leave").body(json!({ "reason": "r" })),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/forget")
            .before("POST", "/_matrix/client/v3/rooms/{roomId}/leave", json!({})),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/upgrade").body(json!({ "new_version": "12", "additional_creators": ["{bob}"] }))
            .gives("/replacement_room"),
        row("PUT", "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}").body(json!({ "msgtype": "m.text", "body": "b" }))
            .loose("*", CONTENT).gives("/event_id"),
        row("PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}").set("eventType", "m.room.topic")
            .body(json!({ "topic": "other" })).loose("*", CONTENT).gives("/event_id")
            .unknown("stateKey", Unknown::Fine("a state key is what the caller makes it")),
        row("PUT", "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}").body(json!({ "reason": "r" })).gives("/event_id"),
        row("PUT", "/_matrix/client/v3/rooms/{roomId}/typing/{userId}").body(json!({ "typing": true, "timeout": 1000 })),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}").body(json!({ "thread_id": "main" })),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/read_markers")
            .body(json!({ "m.fully_read": "{eventId}", "m.read": "{eventId}", "m.read.private": "{eventId}" }))
            .unknown("/m.fully_read", Unknown::Refused(404, "M_NOT_FOUND")).unknown("/m.read", Unknown::Refused(404, "M_NOT_FOUND")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/report").body(json!({ "reason": "r" }))
            .unknown("roomId", Unknown::Fine("whoever reports doesn't learn whether there is such a thing")),
        row("POST", "/_matrix/client/v3/rooms/{roomId}/report/{eventId}").body(json!({ "reason": "r" }))
            .unknown("roomId", Unknown::Fine("whoever reports doesn't learn whether there is such a thing"))
            .unknown("eventId", Unknown::Fine("whoever reports doesn't learn whether there is such a thing")),
        row("POST", "/_matrix/client/v3/users/{userId}/report").body(json!({ "reason": "r" }))
            .unknown("userId", Unknown::Fine("whoever reports doesn't learn whether there is such a person")),
        row("PUT", "/_matrix/client/v3/directory/room/{roomAlias}").set("roomAlias", "#new{number}:test.example")
            .body(json!({ "room_id": "{roomId}" }))
            .unknown("/room_id", Unknown::Refused(403, "M_FORBIDDEN")).again(Refused(409, "M_UNKNOWN"))
            .unknown("roomAlias", Unknown::Told((200, ""), (409, "M_UNKNOWN"), "aliases are public; a free one is given")),
        row("DELETE", "/_matrix/client/v3/directory/room/{roomAlias}").again(Refused(404, "M_NOT_FOUND"))
            .unknown("roomAlias", Unknown::Told((404, "M_NOT_FOUND"), (403, "M_FORBIDDEN"), "anybody can look up an alias")),
        row("PUT", "/_matrix/client/v3/directory/list/room/{roomId}").body(json!({ "visibility": "public" })),
        row("PUT", "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}").set("eventType", "m.room_key")
            .body(json!({ "messages": { "{bob}": { "*": { "a": 1 } } } }))
            .wrong(|world| ["@nobody:test.example", world.get("mallory")].map(|user| json!({ "messages": { (user): { "NOTHING": { "a": 1 } } } })),
                Unknown::Fine("what is sent to nobody is received by nobody")),
    ]
}
