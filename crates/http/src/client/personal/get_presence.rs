//! `GET /_matrix/client/v3/presence/{userId}/status`
//!
//! Whether somebody is there; where presence is off, nobody is. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus)

use std::time::Duration;

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
    let found = presence::get(&server, &caller, request.user_id).await?;
    let mut response = Response::new(found.state.clone());
    response.currently_active = found.active_ago_ms.map(|_| found.state == PresenceState::Online);
    response.last_active_ago = found.active_ago_ms.map(Duration::from_millis);
    response.status_msg = found.status;
    Ok(response)
}
