//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}`
//!
//! One event that the caller planned. [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

use std::time::Duration;

use rohrpost_core::{
    Result,
    delayed_events::{DelayedEvent, list as use_case},
};
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::{
        client::delayed_events::{
            DelayedEventData,
            get_delayed_event::unstable::{Request, Response},
        },
        error::{ErrorKind, StandardErrorBody},
    },
};

use crate::call::Authed;

pub(crate) async fn get(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let event = use_case::get(&server, &caller, request.delay_id).await?;
    Ok(Response::new(describe(event)?))
}

/// A planned event as clients read it.
pub(super) fn describe(event: DelayedEvent) -> Result<DelayedEventData> {
    let time = |ts: i64| MilliSecondsSinceUnixEpoch(UInt::new_saturating(u64::try_from(ts).unwrap_or(0)));
    let mut data = DelayedEventData::new(
        event.delay_id,
        event.room_id,
        event.kind.into(),
        event.state_key,
        serde_json::from_str(&event.content)?,
        Duration::from_millis(u64::try_from(event.delay_ms).unwrap_or(0)),
        time(event.running_since_ts),
    );
    data.event_id = event.event_id;
    data.finalized_ts = event.finalised_ts.map(time);
    data.error = event.error.map(|(errcode, text)| {
        let kind = serde_json::from_value(serde_json::json!({ "errcode": errcode }));
        StandardErrorBody::new(kind.unwrap_or(ErrorKind::Unknown), text)
    });
    Ok(data)
}
