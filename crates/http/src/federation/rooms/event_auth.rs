//! `GET /_matrix/federation/v1/event_auth/{roomId}/{eventId}`
//!
//! All that allowed an event.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid>

use rohrpost_core::{Refusal, federation::rooms::event_auth as use_case};
use ruma::api::federation::authorization::get_event_authorization::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn event_auth(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let chain = use_case::get(&from.server, from.origin, request.room_id, request.event_id).await?;
    Ok(Response::new(chain))
}
