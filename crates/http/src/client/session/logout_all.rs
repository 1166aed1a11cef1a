//! `POST /_matrix/client/v3/logout/all`
//!
//! Signs out on all devices. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall)

use rohrpost_core::{Result, accounts::logout};
use ruma::api::client::session::logout_all::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn logout_all(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    logout::logout_all(&server, caller).await?;
    Ok(Response::new())
}
