//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
//!
//! Sends a message event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid)

use rohrpost_core::{
    Result,
    rooms::send::{self, SendMessage},
};
use ruma::api::client::message::send_message_event::v3::{Request, Response};

use crate::call::{Authed, value};

pub(crate) async fn send(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let message = SendMessage {
        caller,
        room_id: request.room_id,
        kind: request.event_type,
        txn_id: request.txn_id,
        content: value(request.body.json())?,
    };
    Ok(Response::new(send::send(&server, message).await?))
}
