//! Reads the auth chain of an event for another server.

use std::{slice, sync::Arc};

use rohrpost_store::EventStatus;
use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName};
use serde_json::value::RawValue;

use super::{
    auth_chain::auth_chain,
    reader::{Reader, no_such_event, raw},
};
use crate::{Result, Server};

/// The auth chain of an event of a room, whole.
///
/// # Errors
/// `Forbidden` when the other server isn't in the room; `NotFound` when the event isn't.
///
/// # Spec
/// [`GET /event_auth`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid)
pub async fn get(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
) -> Result<Vec<Box<RawValue>>> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let (mut head, _) = Reader::enter(&server_, tx, &room_id, &origin).await?;
                // Also of state that is no part of the timeline: it is told with the state.
                let row = tx.event_get(head.room.nid, &event_id).await?;
                let row = row
                    .filter(|row| row.status == EventStatus::Accepted)
                    .ok_or_else(no_such_event)?;
                let chain = auth_chain(tx, &mut head, slice::from_ref(&row)).await?;
                chain.into_iter().map(raw).collect()
            })
        })
        .await
}
