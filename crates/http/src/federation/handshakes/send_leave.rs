//! `PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId}`, and the same under `v1`
//!
//! A user of the server that asks leaves a room, or refuses an invitation.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_leaveroomideventid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::send_leave::{Handover, take_leave},
};
use ruma::api::federation::membership::create_leave_event::v2::{Request, Response};

use crate::{federation::receive::FromServer, routes::Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(send_leave);
    routes.federation_v1(
        "/_matrix/federation/v1/send_leave/{room_id}/{event_id}",
        send_leave,
    );
}

async fn send_leave(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let handover = Handover {
        origin: from.origin,
        room_id: request.room_id,
        event_id: request.event_id,
        event: request.pdu,
    };
    take_leave(&from.server, handover).await?;
    Ok(Response::new())
}
