//! `GET /_matrix/federation/v1/backfill/{roomId}`
//!
//! What was before some events.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid>

use rohrpost_core::{Refusal, federation::rooms::backfill as use_case};
use ruma::api::federation::backfill::get_backfill::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn backfill(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let limit = request.limit.into();
    let events = use_case::list(&from.server, from.origin, request.room_id, request.v, limit).await?;
    Ok(Response::new(
        from.server.name().to_owned(),
        from.server.now(),
        events,
    ))
}
