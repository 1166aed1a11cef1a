//! `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`
//!
//! Takes the content of an event away. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid)

use rohrpost_core::{
    Result,
    rooms::redact::{self as use_case, RedactEvent},
};
use ruma::api::client::redact::redact_event::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn redact(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = RedactEvent {
        caller,
        room_id: request.room_id,
        event_id: request.event_id,
        txn_id: request.txn_id,
        reason: request.reason,
    };
    Ok(Response::new(use_case::redact(&server, wanted).await?))
}
