//! `GET /_matrix/client/v3/pushrules/global/`
//!
//! All push rules of the caller, without their scope. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal)

use rohrpost_core::{Result, push::rules};
use ruma::api::client::push::get_pushrules_global_scope::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_global_rules(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    Ok(Response::new(rules::get(&server, &caller).await?))
}
