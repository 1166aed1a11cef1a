//! `GET /_matrix/client/v3/presence/{userId}/status`
//!
//! Presence is off: everybody is offline. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus)

use rohrpost_core::{Result, personal::presence};
use ruma::{
    api::client::presence::get_presence::v3::{Request, Response},
    presence::PresenceState,
};

use crate::call::Authed;

pub(crate) async fn get_presence(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    presence::may_ask(&server, &caller, request.user_id).await?;
    Ok(Response::new(PresenceState::Offline))
}
