//! `PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId}`
//!
//! A user of the server that asks wants to be let into a room.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_knockroomideventid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::send_knock::{Handover, take_knock},
};
use ruma::api::federation::membership::{
    RawStrippedState,
    create_knock_event::v1::{Request, Response},
};

use crate::federation::receive::FromServer;

pub(crate) async fn send_knock(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let handover = Handover {
        origin: from.origin,
        room_id: request.room_id,
        event_id: request.event_id,
        event: request.pdu,
    };
    let state = take_knock(&from.server, handover).await?;
    Ok(Response::new(
        state.into_iter().map(RawStrippedState::Pdu).collect(),
    ))
}
