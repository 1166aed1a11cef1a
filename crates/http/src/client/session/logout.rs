//! `POST /_matrix/client/v3/logout`
//!
//! Signs out on this device. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout)

use rohrpost_core::{Result, accounts::logout};
use ruma::api::client::session::logout::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn logout(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    logout::logout(&server, caller).await?;
    Ok(Response::new())
}
