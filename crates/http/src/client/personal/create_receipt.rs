//! `POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}`
//!
//! Says up to where the caller read. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid)

use rohrpost_core::{
    Result,
    personal::receipts::{self, Mark, MarkRead},
};
use ruma::api::client::receipt::create_receipt::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn create_receipt(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let mark = Mark {
        kind: request.receipt_type,
        event_id: request.event_id,
        thread: request.thread,
    };
    receipts::mark(
        &server,
        MarkRead {
            caller,
            room_id: request.room_id,
            marks: vec![mark],
        },
    )
    .await?;
    Ok(Response::new())
}
