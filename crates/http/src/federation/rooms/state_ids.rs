//! `GET /_matrix/federation/v1/state_ids/{roomId}`
//!
//! The state of a room before an event, with all that allowed it, as ids.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid>

use rohrpost_core::{Refusal, federation::rooms::state as use_case};
use ruma::api::federation::event::get_room_state_ids::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn state_ids(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let state = use_case::ids(&from.server, from.origin, request.room_id, request.event_id).await?;
    Ok(Response::new(state.auth_chain, state.events))
}
