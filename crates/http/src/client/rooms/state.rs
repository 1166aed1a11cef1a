//! `GET /_matrix/client/v3/rooms/{roomId}/state`
//!
//! Reads the state of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate)

use rohrpost_core::{Result, rooms::state as use_case};
use ruma::{
    api::client::state::get_state_events::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn state(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let events = use_case::list(&server, caller, request.room_id).await?;
    Ok(Response::new(events.into_iter().map(Raw::from_json).collect()))
}
