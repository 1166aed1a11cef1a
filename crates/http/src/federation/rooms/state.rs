//! `GET /_matrix/federation/v1/state/{roomId}`
//!
//! The state of a room before an event, with all that allowed it.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid>

use rohrpost_core::{Refusal, federation::rooms::state as use_case};
use ruma::api::federation::event::get_room_state::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn state(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let state = use_case::get(&from.server, from.origin, request.room_id, request.event_id).await?;
    Ok(Response::new(state.auth_chain, state.events))
}
