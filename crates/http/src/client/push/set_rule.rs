//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//!
//! Adds a push rule or changes one. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid)

use rohrpost_core::{
    Result,
    push::change_rule::{self, Change},
};
use ruma::api::{
    client::push::set_pushrule::v3::{Request, Response},
    error::DeserializationError,
};
use serde_json::json;

use crate::{
    call::Authed,
    rohrpost::own::{JsonObject, Rewrite, Rewritten},
};

impl Rewrite for Request {
    /// "A rule with no conditions always matches": they may be left out.
    fn rewrite(mut body: JsonObject, path_args: &[&str]) -> Result<JsonObject, DeserializationError> {
        if matches!(path_args.first(), Some(&("override" | "underride"))) {
            body.entry("conditions").or_insert_with(|| json!([]));
        }
        Ok(body)
    }
}

pub(crate) async fn set_rule(
    Authed { server, caller, .. }: Authed,
    Rewritten(request): Rewritten<Request>,
) -> Result<Response> {
    let Request {
        rule, before, after, ..
    } = request;
    change_rule::change(&server, caller, Change::Put { rule, before, after }).await?;
    Ok(Response::new())
}
