//! `PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}`
//!
//! Sends messages from device to device.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid)

use rohrpost_core::{
    Result,
    encryption::send_to_device::{self, SendToDevice},
};
use ruma::api::client::to_device::send_event_to_device::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn send(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let Request {
        event_type,
        txn_id,
        messages,
        ..
    } = request;
    send_to_device::send_to_device(
        &server,
        SendToDevice {
            caller,
            kind: event_type,
            txn_id,
            messages,
        },
    )
    .await?;
    Ok(Response::new())
}
