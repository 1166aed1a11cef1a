//! `POST /_matrix/client/v3/pushers/set`
//!
//! Sets or removes a pusher. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset)

use rohrpost_core::{Result, push::pushers};
use ruma::api::client::push::set_pusher::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_pusher(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    pushers::set(&server, caller, request.action).await?;
    Ok(Response::new())
}
