//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled`
//!
//! Switches a push rule on or off. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled)

use rohrpost_core::{
    Result,
    push::change_rule::{self, Change},
};
use ruma::api::client::push::set_pushrule_enabled::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_rule_enabled(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let change = Change::Enable(request.kind, request.rule_id, request.enabled);
    change_rule::change(&server, caller, change).await?;
    Ok(Response::new())
}
