//! `GET /_matrix/client/v3/register/available`
//!
//! Whether a name is free. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable)

use rohrpost_core::{Result, accounts::register};
use ruma::api::client::account::get_username_availability::v3::{Request, Response};

use crate::call::Public;

pub(crate) async fn available(Public { server, call, .. }: Public, request: Request) -> Result<Response> {
    register::ask_available(&server, &request.username, call.address).await?;
    Ok(Response::new(true))
}
