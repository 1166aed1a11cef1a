//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions`
//!
//! Changes what a push rule does. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions)

use rohrpost_core::{
    Result,
    push::change_rule::{self, Change},
};
use ruma::api::client::push::set_pushrule_actions::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_rule_actions(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let change = Change::Act(request.kind, request.rule_id, request.actions);
    change_rule::change(&server, caller, change).await?;
    Ok(Response::new())
}
