//! Endpoints for application services, and for the networks that they lead to.

use serde_json::json;

use super::{
    given::room_of_the_service,
    row::{
        Again::Alike,
        Row, Unknown,
        Who::{Alice, Service},
        row,
    },
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("POST", "/_matrix/client/v1/appservice/{appserviceId}/ping").by(Service).body(json!({ "transaction_id": "meow" }))
            .unknown("appserviceId", Unknown::Refused(403, "M_FORBIDDEN")).not_by(Alice, 403, "M_FORBIDDEN")
            .gives("/duration_ms").again(Alike("it says how long it took")),
        row("PUT", "/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}").by(Service).given(room_of_the_service)
            .body(json!({ "visibility": "public" })).not_by(Alice, 403, "M_FORBIDDEN"),
        row("GET", "/_matrix/client/v3/thirdparty/protocols").gives("/irc/instances/0/instance_id"),
        row("GET", "/_matrix/client/v3/thirdparty/protocol/{protocol}").gives("/instances/0/instance_id"),
        row("GET", "/_matrix/client/v3/thirdparty/location/{protocol}").query("channel=%23a").gives("/0/alias"),
        row("GET", "/_matrix/client/v3/thirdparty/user/{protocol}").query("nick=a").gives("/0/userid"),
        row("GET", "/_matrix/client/v3/thirdparty/location").query("alias=%23_bridge_a%3Atest.example").gives("/0/alias").other_query("", 400, "M_MISSING_PARAM")
            .other_query("alias=nonsense", 400, "M_INVALID_PARAM").other_query("alias=%23nothing%3Atest.example", 404, "M_NOT_FOUND"),
        row("GET", "/_matrix/client/v3/thirdparty/user").query("userid=%40_bridge_a%3Atest.example").gives("/0/userid").other_query("", 400, "M_MISSING_PARAM")
            .other_query("userid=nonsense", 400, "M_INVALID_PARAM").other_query("userid=%40nothing%3Atest.example", 404, "M_NOT_FOUND"),
    ]
}
