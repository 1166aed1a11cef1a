//! Reads the history before some events for another server.

use std::{collections::HashSet, sync::Arc};

use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName};
use serde_json::value::RawValue;

use super::{reader::Reader, walk::Walk};
use crate::{Result, Server};

/// Events of one answer at most.
const MAX_EVENTS: usize = 100;

/// Some events and what was before them, newest first; of what that server may not see, the redacted form.
///
/// # Errors
/// `Forbidden` when the other server isn't in the room.
///
/// # Spec
/// [`GET /backfill`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid)
pub async fn list(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    from: Vec<OwnedEventId>,
    limit: u64,
) -> Result<Vec<Box<RawValue>>> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let (head, mut reader) = Reader::enter(&server_, tx, &room_id, &origin).await?;
                let walk = Walk {
                    starts: &from,
                    with_starts: true,
                    but: HashSet::new(),
                    min_depth: 0,
                    limit: usize::try_from(limit).unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS),
                };
                let rows = walk.back(tx, &head).await?;
                let mut events = Vec::with_capacity(rows.len());
                for row in rows {
                    events.push(reader.served(tx, &head, row).await?);
                }
                Ok(events)
            })
        })
        .await
}
