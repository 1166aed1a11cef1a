//! Reads the state of a room at an event for another server.

use std::sync::Arc;

use rohrpost_store::EventRow;
use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName};
use serde_json::value::RawValue;

use super::{
    auth_chain::auth_chain,
    reader::{Reader, no_such_event, raw},
};
use crate::{Refusal, Result, Server};

/// A state with what allowed it.
pub struct State<T> {
    /// What stands in the state.
    pub events: Vec<T>,
    /// Its auth chain.
    pub auth_chain: Vec<T>,
}

/// The state of a room before an event, whole.
///
/// # Errors
/// `Forbidden` when the other server isn't in the room; `NotFound` when the event isn't.
///
/// # Spec
/// [`GET /state`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid)
pub async fn get(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
) -> Result<State<Box<RawValue>>> {
    at(server, origin, room_id, event_id, raw).await
}

/// The same, as ids.
///
/// # Errors
/// Those of [`get`].
///
/// # Spec
/// [`GET /state_ids`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid)
pub async fn ids(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
) -> Result<State<OwnedEventId>> {
    at(server, origin, room_id, event_id, |row| Ok(row.event_id)).await
}

async fn at<T: Send + 'static>(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    shape: fn(EventRow) -> Result<T>,
) -> Result<State<T>> {
    let _place = server.large_answers.acquire().await;
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let (mut head, _) = Reader::enter(&server_, tx, &room_id, &origin).await?;
                let row = Reader::find(tx, &head, &event_id).await?;
                if !row.state_before.is_known() {
                    return Err(no_such_event());
                }
                let nids = tx.state_full(row.state_before).await?;
                let events = tx.event_get_many(head.room.nid, &nids).await?;
                let chain = auth_chain(tx, &mut head, &events).await?;
                Ok::<_, Refusal>(State {
                    events: events.into_iter().map(shape).collect::<Result<_>>()?,
                    auth_chain: chain.into_iter().map(shape).collect::<Result<_>>()?,
                })
            })
        })
        .await
}
