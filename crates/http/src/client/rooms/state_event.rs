//! `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//!
//! Reads one state event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey)

use rohrpost_core::{Result, rooms::state};
use ruma::api::client::state::get_state_event_for_key::v3::{Request, Response, StateEventFormat};

use crate::call::Authed;

pub(crate) async fn state_event(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let found = state::get(
        &server,
        caller,
        request.room_id,
        request.event_type,
        request.state_key,
    )
    .await?;
    Ok(Response::new(match request.format {
        StateEventFormat::Event => found.event,
        _ => found.content,
    }))
}
