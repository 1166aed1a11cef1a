//! `DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//!
//! Removes a push rule. [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid)

use rohrpost_core::{
    Result,
    push::change_rule::{self, Change},
};
use ruma::api::client::push::delete_pushrule::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_rule(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    change_rule::change(&server, caller, Change::Remove(request.kind, request.rule_id)).await?;
    Ok(Response::new())
}
