//! `GET /_matrix/client/v3/pushers`
//!
//! The pushers of the caller. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers)

use rohrpost_core::{Result, push::pushers};
use ruma::api::client::push::get_pushers::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_pushers(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    Ok(Response::new(pushers::list(&server, &caller).await?))
}
