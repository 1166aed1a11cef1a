//! `PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}`, and the same under `v1`
//!
//! A user of the server that asks comes into a room; the answer is the room as they find it.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::send_join::{Handover, take_join},
};
use ruma::api::federation::membership::create_join_event::v2::{Request, Response, RoomState};

use crate::{federation::receive::FromServer, routes::Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(send_join);
    routes.federation_v1("/_matrix/federation/v1/send_join/{room_id}/{event_id}", send_join);
}

async fn send_join(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let handover = Handover {
        origin: from.origin,
        room_id: request.room_id,
        event_id: request.event_id,
        event: request.pdu,
    };
    let joined = take_join(&from.server, handover, request.omit_members).await?;
    let mut room = RoomState::new();
    room.members_omitted = joined.servers.is_some();
    room.servers_in_room = joined
        .servers
        .map(|servers| servers.iter().map(ToString::to_string).collect());
    room.auth_chain = joined.auth_chain;
    room.state = joined.state;
    room.event = Some(joined.event);
    Ok(Response::new(room))
}
