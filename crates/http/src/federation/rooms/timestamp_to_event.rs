//! `GET /_matrix/federation/v1/timestamp_to_event/{roomId}`
//!
//! The event nearest to a moment.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid>

use rohrpost_core::{Refusal, federation::rooms::moment};
use ruma::api::federation::event::get_event_by_timestamp::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn timestamp_to_event(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let (room_id, ts) = (request.room_id, request.ts);
    let (event_id, ts) = moment::find(&from.server, from.origin, room_id, ts, request.dir).await?;
    Ok(Response::new(event_id, ts))
}
