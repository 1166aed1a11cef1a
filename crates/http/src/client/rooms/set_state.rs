//! `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//!
//! Sends a state event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey)
//!
//! With `org.matrix.msc4140.delay` it is planned instead.

use rohrpost_core::{
    Result,
    delayed_events::{self, schedule::Schedule},
    rooms::set_state::{self as use_case, SetState},
};
use ruma::api::client::state::send_state_event::v3::Request;

use crate::{
    call::{Authed, value},
    client::delayed_events::delay::{Delayable, Sent},
    rohrpost::own::Answer,
};

pub(crate) async fn set_state(
    Authed { server, caller, .. }: Authed,
    Delayable { request, delay, .. }: Delayable<Request>,
) -> Result<Answer<Sent>> {
    let content = value(request.body.json())?;
    if let Some(delay) = delay {
        let wanted = Schedule {
            caller,
            room_id: request.room_id,
            kind: request.event_type.to_string().into(),
            state_key: Some(request.state_key),
            txn_id: None,
            content,
            sticky_ms: None,
            delay,
        };
        let delay_id = delayed_events::schedule(&server, wanted).await?;
        return Ok(Answer(Sent::Later { delay_id }));
    }
    let wanted = SetState {
        caller,
        room_id: request.room_id,
        kind: request.event_type,
        state_key: request.state_key,
        content,
        ts: request.timestamp,
    };
    let event_id = use_case::set_state(&server, wanted).await?;
    Ok(Answer(Sent::Now { event_id }))
}
