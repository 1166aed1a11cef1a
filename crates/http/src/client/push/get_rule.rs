//! `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//!
//! One push rule. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid)

use rohrpost_core::{Refusal, Result, push::rules};
use ruma::api::client::push::get_pushrule::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_rule(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let rules = rules::get(&server, &caller).await?;
    let rule = rules
        .get(request.kind, request.rule_id)
        .ok_or_else(|| Refusal::not_found("push rule"))?;
    Ok(Response::new(rule.into()))
}
