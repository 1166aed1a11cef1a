//! `PUT /_matrix/client/unstable/org.matrix.msc4140/rooms/{roomId}/delayed_event/{eventType}/{txnId}`
//!
//! Plans an event. [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

use rohrpost_core::{
    Result,
    delayed_events::{self, schedule::Schedule},
};
use ruma::api::client::delayed_events::send_delayed_event::unstable::{Request, Response};

use crate::call::{Authed, value};

pub(crate) async fn schedule(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = Schedule {
        caller,
        room_id: request.room_id,
        kind: request.event_type,
        state_key: request.state_key,
        txn_id: Some(request.txn_id.to_string()),
        content: value(request.content.json())?,
        sticky_ms: request.sticky_duration_ms.map(|duration| duration.get()),
        delay: request.delay,
    };
    Ok(Response::new(delayed_events::schedule(&server, wanted).await?))
}
