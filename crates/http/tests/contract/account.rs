//! Endpoints for accounts and their administration.

use serde_json::json;

use super::{
    given::owned_address,
    row::{Again::Refused, Row, Unknown, Who::Admin, row},
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let nobody_or_somebody = Unknown::Told((404, "M_NOT_FOUND"), (200, ""), "administrators know all accounts");
    vec![
        row("GET", "/_matrix/client/v3/account/whoami").gives("/user_id").gives("/device_id"),
        row("POST", "/_matrix/client/v3/account/password").confirm().body(json!({ "new_password": "another good password", "logout_devices": true }))
            .again(Refused(401, "M_FORBIDDEN")),
        row("POST", "/_matrix/client/v3/account/deactivate").confirm().body(json!({ "erase": false })).gives("/id_server_unbind_result")
            .again(Refused(401, "M_UNKNOWN_TOKEN")),
        row("GET", "/_matrix/client/v3/account/3pid").gives("/threepids"),
        row("POST", "/_matrix/client/v3/account/3pid/bind").answers(403, "M_THREEPID_DENIED")
            .body(json!({ "client_secret": "secret", "id_server": "id.example", "id_access_token": "t", "sid": "1" })),
        row("POST", "/_matrix/client/v3/account/3pid/unbind").answers(403, "M_THREEPID_DENIED")
            .body(json!({ "medium": "email", "address": "a@amt.example" })),
        row("POST", "/_matrix/client/v3/account/3pid/delete").gives("/id_server_unbind_result").given(owned_address)
            .unknown("/address", Unknown::Fine("it isn't theirs afterwards, and stays whose it is"))
            .body(json!({ "medium": "email", "address": "a@amt.example" })),
        row("POST", "/_matrix/client/v3/logout").again(Refused(401, "M_UNKNOWN_TOKEN")),
        row("POST", "/_matrix/client/v3/logout/all").again(Refused(401, "M_UNKNOWN_TOKEN")),
        row("GET", "/_matrix/client/v3/capabilities").gives("/capabilities/m.room_versions/default"),
        row("GET", "/_matrix/client/v1/admin/lock/{userId}").by(Admin).unknown("userId", nobody_or_somebody).gives("/locked"),
        row("PUT", "/_matrix/client/v1/admin/lock/{userId}").by(Admin).unknown("userId", nobody_or_somebody).body(json!({ "locked": true })),
        row("GET", "/_matrix/client/v1/admin/suspend/{userId}").by(Admin).unknown("userId", nobody_or_somebody).gives("/suspended"),
        row("PUT", "/_matrix/client/v1/admin/suspend/{userId}").by(Admin).unknown("userId", nobody_or_somebody).body(json!({ "suspended": true })),
        row("GET", "/_matrix/client/v3/admin/whois/{userId}").gives("/user_id"),
    ]
}
