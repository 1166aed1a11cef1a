//! Endpoints for what people keep for themselves.

use serde_json::json;

use super::row::{
    Again::{Other, Refused},
    Row, Unknown, row,
};

const CONTENT: &str = "the content is its type's business";

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("GET", "/_matrix/client/v3/user/{userId}/account_data/{type}").gives("/order"),
        row("PUT", "/_matrix/client/v3/user/{userId}/account_data/{type}").body(json!({ "a": 1 })).loose("*", CONTENT)
            .unknown("type", Unknown::Fine("a type is what the caller makes it")),
        row("GET", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}").gives("/order"),
        row("PUT", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}").body(json!({ "a": 1 })).loose("*", CONTENT)
            .unknown("type", Unknown::Fine("a type is what the caller makes it")),
        row("GET", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags").gives("/tags/u.mine"),
        row("PUT", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}").body(json!({ "order": 0.1 })),
        row("DELETE", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}"),
        row("POST", "/_matrix/client/v3/user/{userId}/filter").body(json!({ "room": { "timeline": { "limit": 7 } }, "event_fields": ["content"] })).gives("/filter_id"),
        row("GET", "/_matrix/client/v3/user/{userId}/filter/{filterId}").gives("/room/timeline/limit"),
        row("PUT", "/_matrix/client/v3/presence/{userId}/status").body(json!({ "presence": "online", "status_msg": "here" })),
        row("PUT", "/_matrix/client/v3/profile/{userId}/{keyName}").set("keyName", "displayname").body(json!({ "displayname": "Alice" }))
            .unknown("keyName", Unknown::Refused(400, "M_MISSING_PARAM")),
        row("DELETE", "/_matrix/client/v3/profile/{userId}/{keyName}")
            .unknown("keyName", Unknown::Refused(400, "M_INVALID_PARAM")),
        row("GET", "/_matrix/client/v3/devices").gives("/devices/0/device_id"),
        row("GET", "/_matrix/client/v3/devices/{deviceId}").gives("/device_id"),
        row("PUT", "/_matrix/client/v3/devices/{deviceId}").body(json!({ "display_name": "Phone" })),
        row("DELETE", "/_matrix/client/v3/devices/{deviceId}").confirm().again(Refused(401, "M_UNKNOWN_TOKEN"))
            .unknown("deviceId", Unknown::Fine("it isn't there afterwards")),
        row("POST", "/_matrix/client/v3/delete_devices").confirm().body(json!({ "devices": ["{deviceId}"] }))
            .wrong(|world| ["NOTHING", world.get("other:deviceId")].map(|device| json!({ "devices": [device] })), Unknown::Fine("they aren't there afterwards"))
            .again(Refused(401, "M_UNKNOWN_TOKEN")),
        row("POST", "/_matrix/client/v1/login/get_token").confirm().body(json!({})).gives("/login_token").gives("/expires_in_ms")
            .again(Other("each token is another")),
    ]
}
