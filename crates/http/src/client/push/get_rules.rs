//! `GET /_matrix/client/v3/pushrules/`
//!
//! All push rules of the caller. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules)

use rohrpost_core::{Result, push::rules};
use ruma::api::client::push::get_pushrules_all::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_rules(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    Ok(Response::new(rules::get(&server, &caller).await?))
}
