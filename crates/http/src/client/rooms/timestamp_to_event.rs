//! `GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event`
//!
//! Finds the event nearest to a moment. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event)

use rohrpost_core::{Result, rooms::moment};
use ruma::api::client::room::get_event_by_timestamp::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn timestamp_to_event(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let (event_id, ts) = moment::find(&server, caller, request.room_id, request.ts, request.dir).await?;
    Ok(Response::new(event_id, ts))
}
