//! Endpoints for pushes.

use serde_json::json;

use super::row::{Again::Refused, Row, Unknown, row};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    const RULE: &str = "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}";
    vec![
        row("GET", "/_matrix/client/v3/pushrules/").gives("/global/override/0"),
        row("GET", "/_matrix/client/v3/pushrules/global/").gives("/override/0"),
        row("GET", RULE).gives("/pattern"),
        row("PUT", RULE).body(json!({ "pattern": "tea", "actions": ["notify"] }))
            .unknown("ruleId", Unknown::Fine("a rule is made by naming it"))
            .unknown("kind", Unknown::Refused(400, "M_INVALID_PARAM")),
        row("DELETE", RULE).again(Refused(404, "M_NOT_FOUND")),
        row("GET", "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions").gives("/actions/0"),
        row("PUT", "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions").body(json!({ "actions": [] })),
        row("GET", "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled").gives("/enabled"),
        row("PUT", "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled").body(json!({ "enabled": false })),
        row("GET", "/_matrix/client/v3/pushers").gives("/pushers"),
        row("POST", "/_matrix/client/v3/pushers/set").body(json!({
            "app_id": "org.example.app", "pushkey": "key", "kind": "http", "app_display_name": "App", "append": false,
            "device_display_name": "Phone", "lang": "de", "profile_tag": "p",
            "data": { "url": "https://push.example/_matrix/push/v1/notify", "format": "event_id_only" },
        })),
    ]
}
