//! `PUT /_matrix/client/v3/presence/{userId}/status`
//!
//! Says whether the caller is there; where presence is off, it isn't kept. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus)

use rohrpost_core::{
    Result,
    personal::{
        own,
        presence::{self, SetPresence},
    },
};
use ruma::api::client::presence::set_presence::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_presence(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let wanted = SetPresence {
        caller,
        state: request.presence,
        status: request.status_msg,
    };
    presence::set(&server, wanted).await?;
    Ok(Response::new())
}
