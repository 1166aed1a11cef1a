//! What guests may call, asked of the whole route table: the list of the specification, written down here once more.

use rohrpost_core::settings::Guests;
use rohrpost_http::{Access, Route, route_table};
use rohrpost_testkit::TestServer;

use super::{ask, errcode, name, path};
use crate::guests::guest;

/// The endpoints of the module on guest access, in the words of this server's route table.
const ALLOWED: &[&str] = &[
    "GET /_matrix/client/v1/media/download/{server_name}/{media_id}",
    "GET /_matrix/client/v1/media/download/{server_name}/{media_id}/{filename}",
    "GET /_matrix/client/v1/media/thumbnail/{server_name}/{media_id}",
    "GET /_matrix/client/v3/account/whoami",
    "DELETE /_matrix/client/v3/profile/{user_id}/displayname",
    "PUT /_matrix/client/v3/profile/{user_id}/displayname",
    "GET /_matrix/client/v3/devices",
    "GET /_matrix/client/v3/devices/{device_id}",
    "PUT /_matrix/client/v3/devices/{device_id}",
    "POST /_matrix/client/v3/keys/claim",
    "POST /_matrix/client/v3/keys/query",
    "POST /_matrix/client/v3/keys/upload",
    "GET /_matrix/client/v3/rooms/{room_id}/context/{event_id}",
    "GET /_matrix/client/v3/rooms/{room_id}/event/{event_id}",
    "GET /_matrix/client/v3/rooms/{room_id}/initialSync",
    "POST /_matrix/client/v3/rooms/{room_id}/join",
    "POST /_matrix/client/v3/rooms/{room_id}/leave",
    "GET /_matrix/client/v3/rooms/{room_id}/members",
    "GET /_matrix/client/v3/rooms/{room_id}/messages",
    "PUT /_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}",
    "GET /_matrix/client/v3/rooms/{room_id}/state",
    "GET /_matrix/client/v3/rooms/{room_id}/state/{event_type}/{state_key}",
    "PUT /_matrix/client/v3/rooms/{room_id}/state/{event_type}/{state_key}",
    "PUT /_matrix/client/v3/sendToDevice/{event_type}/{txn_id}",
    "GET /_matrix/client/v3/sync",
];

/// The same endpoint as the specification names it: in version 3, the empty state key spelled out.
fn spelled_out(route: &Route) -> String {
    let path = route.path.replace("/client/r0/", "/client/v3/");
    let path = path.trim_end_matches('/');
    let key = if path.ends_with("/state/{event_type}") {
        "/{state_key}"
    } else {
        ""
    };
    format!("{} {path}{key}", route.method)
}

#[tokio::test]
async fn guests_may_call_what_the_specification_lists_and_nothing_else() {
    TestServer::with(|settings| {
        settings.guests = Some(Guests {
            max: 3,
            unused_days: 7,
        });
    })
    .each(async |server| {
        let guest = guest(&server).await;
        let mut allowed = Vec::new();
        for route in route_table() {
            if route.access == Access::Public {
                continue;
            }
            let path = path(&route, &guest);
            // The field that a profile's path names.
            let body = if path.contains("/profile/") {
                r#"{"nothing":"x"}"#
            } else {
                "{}"
            };
            let answer = ask(&server, &route, &path, Some(&guest.token), body).await;
            let refused = (answer.status, errcode(&answer).as_str()) == (403, "M_GUEST_ACCESS_FORBIDDEN");
            let spelled_out = spelled_out(&route);
            let is_listed = ALLOWED.contains(&spelled_out.as_str());
            assert_eq!(refused, !is_listed, "{}: {}", name(&route), answer.text());
            if is_listed {
                allowed.push(spelled_out);
            }
        }
        allowed.sort();
        allowed.dedup();
        // The routes of single fields and of all fields are different ones in versions of the specification.
        let missing: Vec<_> = ALLOWED
            .iter()
            .filter(|listed| {
                !allowed.iter().any(|allowed| allowed == *listed) && !listed.contains("/profile/")
            })
            .collect();
        assert!(missing.is_empty(), "the list names what isn't there: {missing:?}");
    })
    .await;
}
