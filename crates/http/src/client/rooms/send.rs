//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
//!
//! Sends a message event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid)
//!
//! With `org.matrix.msc4140.delay` it is planned instead, and with `org.matrix.msc4354.sticky_duration_ms` it is sticky.

use rohrpost_core::{
    Result,
    delayed_events::{self, schedule::Schedule},
    rooms::send::{self, SendMessage},
};
use ruma::api::client::message::send_message_event::v3::Request;

use crate::{
    call::{Authed, value},
    client::delayed_events::delay::{Delayable, Sent},
    rohrpost::own::Answer,
};

pub(crate) async fn send(
    Authed { server, caller, .. }: Authed,
    Delayable { request, delay, .. }: Delayable<Request>,
) -> Result<Answer<Sent>> {
    let content = value(request.body.json())?;
    let sticky_ms = request.sticky_duration_ms.map(|duration| duration.get());
    if let Some(delay) = delay {
        let wanted = Schedule {
            caller,
            room_id: request.room_id,
            kind: request.event_type.to_string().into(),
            state_key: None,
            txn_id: Some(request.txn_id.to_string()),
            content,
            sticky_ms,
            delay,
        };
        let delay_id = delayed_events::schedule(&server, wanted).await?;
        return Ok(Answer(Sent::Later { delay_id }));
    }
    let message = SendMessage {
        caller,
        room_id: request.room_id,
        kind: request.event_type,
        txn_id: request.txn_id,
        content,
        sticky_ms,
        ts: request.timestamp,
    };
    let event_id = send::send(&server, message).await?;
    Ok(Answer(Sent::Now { event_id }))
}
