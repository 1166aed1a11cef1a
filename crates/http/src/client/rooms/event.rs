//! `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`
//!
//! Reads one event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid)

use rohrpost_core::{Result, rooms::event as use_case};
use ruma::{
    api::client::room::get_room_event::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn event(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let event = use_case::get(&server, caller, request.room_id, request.event_id).await?;
    Ok(Response::new(Raw::from_json(event)))
}
