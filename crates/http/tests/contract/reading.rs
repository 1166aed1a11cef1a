//! Endpoints that read rooms.

use serde_json::json;

use super::row::{Again::Other, Row, Unknown, row};

/// An event that can't be read is not found, whether for its room or for itself.
const NO_EVENT: Unknown = Unknown::Refused(404, "M_NOT_FOUND");

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("GET", "/_matrix/client/v3/sync").query("timeout=0").gives("/next_batch").gives("/rooms/join"),
        row("GET", "/_matrix/client/v3/joined_rooms").gives("/joined_rooms/0"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/messages").query("dir=b&limit=3").gives("/chunk/2").gives("/start").gives("/end"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/context/{eventId}").unknown("roomId", NO_EVENT).query("limit=2").gives("/event/content/body").gives("/state/0"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/event/{eventId}").unknown("roomId", NO_EVENT).gives("/content/body").gives("/room_id"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/initialSync").gives("/messages/chunk/0").gives("/state/0").gives("/visibility"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/state").gives("/0/state_key"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}").set("eventType", "m.room.topic").gives("/topic"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/members").query("membership=join").gives("/chunk/1/content/membership"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/joined_members").gives("/joined"),
        row("GET", "/_matrix/client/v3/rooms/{roomId}/aliases").gives("/aliases/0"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/hierarchy").query("limit=5&max_depth=2").gives("/rooms/0/room_id"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}").unknown("roomId", NO_EVENT).query("limit=5").gives("/chunk/0/event_id"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}").unknown("roomId", NO_EVENT).query("limit=5").gives("/chunk/0/event_id"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}").unknown("roomId", NO_EVENT).query("limit=5").gives("/chunk/0/event_id"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/threads").query("limit=5").gives("/chunk/0/event_id"),
        row("GET", "/_matrix/client/v1/rooms/{roomId}/timestamp_to_event").query("ts=0&dir=f").gives("/event_id").gives("/origin_server_ts"),
        row("GET", "/_matrix/client/v1/room_summary/{roomIdOrAlias}").gives("/room_id").gives("/num_joined_members"),
        row("GET", "/_matrix/client/v1/mutual_rooms").query("user_id={bob}").gives("/joined/0")
            .other_query("user_id={nothing:userId}", 200, "").other_query("user_id={mallory}", 200, ""),
        row("POST", "/_matrix/client/v3/search").gives("/search_categories/room_events/count")
            .body(json!({ "search_categories": { "room_events": { "search_term": "hello" } } })),
        row("POST", "/_matrix/client/v3/user_directory/search").body(json!({ "search_term": "bob{number}", "limit": 3 }))
            .gives("/results/0/user_id"),
        row("GET", "/_matrix/client/v3/notifications").query("limit=5").gives("/notifications"),
        row("GET", "/_matrix/client/v3/presence/{userId}/status").gives("/presence"),
        row("GET", "/_matrix/client/v3/voip/turnServer"),
        row("GET", "/_matrix/client/v1/media/config").gives("/m.upload.size"),
        row("GET", "/_matrix/media/v3/config").gives("/m.upload.size"),
        row("GET", "/_matrix/client/v3/keys/changes").query("from=s0&to=s1").gives("/changed").gives("/left"),
        row("GET", "/_matrix/client/v3/profile/{userId}").gives("/displayname")
            .unknown("userId", Unknown::Told((404, "M_NOT_FOUND"), (200, ""), "a profile is there for others")),
        row("GET", "/_matrix/client/v3/profile/{userId}/{keyName}").gives("/org.example.mine")
            .unknown("userId", Unknown::Told((404, "M_NOT_FOUND"), (200, ""), "a profile is there for others")),
        row("POST", "/_matrix/client/v3/user/{userId}/openid/request_token").gives("/access_token").gives("/matrix_server_name")
            .again(Other("each token is another")),
    ]
}
