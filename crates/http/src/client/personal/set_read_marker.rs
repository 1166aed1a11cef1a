//! `POST /_matrix/client/v3/rooms/{roomId}/read_markers`
//!
//! Moves the marker of the fully read, and receipts with it. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers)

use rohrpost_core::{
    Result,
    personal::receipts::{self, Mark, MarkRead},
};
use ruma::{
    api::client::{
        read_marker::set_read_marker::v3::{Request, Response},
        receipt::create_receipt::v3::ReceiptType,
    },
    events::receipt::ReceiptThread,
};

use crate::call::Authed;

pub(crate) async fn set_read_marker(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let marks = [
        (ReceiptType::FullyRead, request.fully_read),
        (ReceiptType::Read, request.read_receipt),
        (ReceiptType::ReadPrivate, request.private_read_receipt),
    ];
    let mark = |(kind, event_id): (_, Option<_>)| {
        event_id.map(|event_id| Mark {
            kind,
            event_id,
            thread: ReceiptThread::Unthreaded,
        })
    };
    let marks = marks.into_iter().filter_map(mark).collect();
    receipts::mark(
        &server,
        MarkRead {
            caller,
            room_id: request.room_id,
            marks,
        },
    )
    .await?;
    Ok(Response::new())
}
