//! `PUT /_matrix/client/v3/presence/{userId}/status`
//!
//! Presence is off: what a client says is not kept. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus)

use rohrpost_core::{Result, personal::own};
use ruma::api::client::presence::set_presence::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_presence(Authed { caller, .. }: Authed, request: Request) -> Result<Response> {
    own(&caller, &request.user_id)?;
    Ok(Response::new())
}
