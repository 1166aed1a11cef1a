//! `POST /_matrix/federation/v1/get_missing_events/{roomId}`
//!
//! What is between the events that the other server has and those that it can't place.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid>

use rohrpost_core::{
    Refusal,
    federation::rooms::missing_events::{self, MissingEvents},
};
use ruma::api::federation::event::get_missing_events::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn get_missing_events(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let wanted = MissingEvents {
        room_id: request.room_id,
        earliest: request.earliest_events,
        latest: request.latest_events,
        min_depth: request.min_depth.into(),
        limit: request.limit.into(),
    };
    let events = missing_events::list(&from.server, from.origin, wanted).await?;
    Ok(Response::new(events))
}
