//! `PUT /_matrix/federation/v2/invite/{roomId}/{eventId}`
//!
//! Takes an invitation for somebody here. The first version of this endpoint is for versions of rooms that aren't spoken.
//! [Specification](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid)

use rohrpost_core::{
    Refusal,
    federation::invited::{self, Invitation},
};
use ruma::api::federation::membership::create_invite::v2::{Request, Response};

use super::receive::FromServer;
use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(invite);
}

async fn invite(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let invitation = Invitation {
        origin: from.origin,
        room_id: request.room_id,
        event_id: request.event_id,
        version: request.room_version,
        event: request.event,
        state: request.invite_room_state,
    };
    Ok(Response::new(invited::take(&from.server, invitation).await?))
}
