//! Endpoints that need no token.

use serde_json::json;

use super::{
    given::refresh_token,
    row::{
        Again::{Other, Refused},
        Row, Unknown,
        Who::Nobody,
        row,
    },
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let open = |method, path| row(method, path).by(Nobody);
    let login = json!({ "type": "m.login.password", "identifier": { "type": "m.id.user", "user": "{alice}" },
        "password": rohrpost_testkit::PASSWORD, "device_id": "D", "initial_device_display_name": "n", "refresh_token": true });
    let number = json!({ "client_secret": "secret", "country": "DE", "phone_number": "0301234567", "send_attempt": 1 });
    let redirect = |path| open("GET", path).query("redirectUrl=https%3A%2F%2Fclient.example%2F").answers(302, "")
        .header("location", "https://test.example/oauth2/sso?redirectUrl=https%3A%2F%2Fclient.example%2F")
        .other_query("", 400, "M_MISSING_PARAM").other_query("redirectUrl=javascript%3Aalert(1)", 400, "M_INVALID_PARAM");
    vec![
        redirect("/_matrix/client/v3/login/sso/redirect"),
        redirect("/_matrix/client/v3/login/sso/redirect/{idpId}"),
        open("POST", "/_matrix/client/v3/account/3pid/msisdn/requestToken").answers(403, "M_THREEPID_DENIED").body(number.clone()),
        open("POST", "/_matrix/client/v3/account/password/msisdn/requestToken").answers(403, "M_THREEPID_DENIED").body(number.clone()),
        open("POST", "/_matrix/client/v3/register/msisdn/requestToken").answers(403, "M_THREEPID_DENIED").body(number),
        open("GET", "/.well-known/matrix/support").gives("/support_page"),
        open("GET", "/.well-known/matrix/policy_server").gives("/public_keys/ed25519"),
        open("GET", "/.well-known/matrix/client").gives("/m.homeserver/base_url"),
        open("GET", "/_matrix/client/versions").gives("/versions/0"),
        open("GET", "/_matrix/client/v1/auth_metadata").gives("/issuer"),
        open("GET", "/_matrix/client/v3/login").gives("/flows/0/type"),
        open("POST", "/_matrix/client/v3/login").body(login).gives("/access_token").again(Other("each token is another")),
        // Whose a refresh token is, nobody asks: who has it is signed in by it.
        open("POST", "/_matrix/client/v3/refresh").given(refresh_token).body(json!({ "refresh_token": "{refreshToken}" }))
            .gives("/access_token").gives("/refresh_token").gives("/expires_in_ms")
            .unknown("/refresh_token", Unknown::Refused(401, "M_UNKNOWN_TOKEN"))
            .again(Other("the answer may have been lost, so there are other tokens")),
        open("POST", "/_matrix/client/v3/register").gives("/access_token").again(Refused(400, "M_USER_IN_USE"))
            .body(json!({ "username": "new{number}", "password": "a good password", "device_id": "D", "inhibit_login": false,
                "initial_device_display_name": "n", "refresh_token": true, "auth": { "type": "m.login.dummy" } })),
        open("GET", "/_matrix/client/v3/register/available").query("username=free{number}").gives("/available"),
        open("GET", "/_matrix/client/v1/register/m.login.registration_token/validity").query("token=nothing").gives("/valid"),
        open("GET", "/_matrix/client/v3/directory/room/{roomAlias}").gives("/room_id")
            .unknown("roomAlias", Unknown::Told((404, "M_NOT_FOUND"), (200, ""), "\"Requests that a server resolve a room alias\": they are public")),
        open("GET", "/_matrix/client/v3/directory/list/room/{roomId}").set("roomId", "{openRoom}").gives("/visibility")
            .unknown("roomId", Unknown::Refused(404, "M_NOT_FOUND")),
        row("GET", "/_matrix/client/v3/publicRooms").query("limit=2").gives("/chunk/0/room_id").gives("/total_room_count_estimate"),
        row("POST", "/_matrix/client/v3/publicRooms").body(json!({ "limit": 2, "filter": { "generic_search_term": "" }, "include_all_networks": false }))
            .gives("/chunk").loose("include_all_networks", "there are no other networks; its value is of no account"),
    ]
}
