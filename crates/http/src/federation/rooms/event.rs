//! `GET /_matrix/federation/v1/event/{eventId}`
//!
//! One event of a room that the other server is in.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid>

use rohrpost_core::{Refusal, federation::rooms::event as use_case};
use ruma::api::federation::event::get_event::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn event(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let event = use_case::get(&from.server, from.origin, request.event_id).await?;
    Ok(Response::new(
        from.server.name().to_owned(),
        from.server.now(),
        event,
    ))
}
