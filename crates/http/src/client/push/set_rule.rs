//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//!
//! Adds a push rule or changes one. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid)

use rohrpost_core::{
    Result,
    push::change_rule::{self, Change},
};
use ruma::api::client::push::set_pushrule::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_rule(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let Request {
        rule, before, after, ..
    } = request;
    change_rule::change(&server, caller, Change::Put { rule, before, after }).await?;
    Ok(Response::new())
}
