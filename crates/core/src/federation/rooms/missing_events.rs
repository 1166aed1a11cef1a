//! Reads the events between those that another server knows.

use std::sync::Arc;

use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName};
use serde_json::value::RawValue;

use super::{reader::Reader, walk::Walk};
use crate::{Result, Server};

/// Events of one answer at most.
const MAX_EVENTS: usize = 50;
/// Events that the other server has, as far as they are looked at.
const MAX_EARLIEST: usize = 1000;

/// What another server is missing.
pub struct MissingEvents {
    /// The room.
    pub room_id: OwnedRoomId,
    /// What it has: neither these nor what was before them is wanted.
    pub earliest: Vec<OwnedEventId>,
    /// What it knows and can't place: what was before these is wanted.
    pub latest: Vec<OwnedEventId>,
    /// Events of a smaller depth aren't wanted.
    pub min_depth: u64,
    /// Events at most.
    pub limit: u64,
}

/// The events before the latest ones, oldest first; of what that server may not see, the redacted form.
///
/// # Errors
/// `Forbidden` when the other server isn't in the room.
///
/// # Spec
/// [`POST /get_missing_events`](https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid)
pub async fn list(
    server: &Arc<Server>,
    origin: OwnedServerName,
    wanted: MissingEvents,
) -> Result<Vec<Box<RawValue>>> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let (head, mut reader) = Reader::enter(&server_, tx, &wanted.room_id, &origin).await?;
                let limit = usize::try_from(wanted.limit).unwrap_or(MAX_EVENTS);
                let walk = Walk {
                    starts: &wanted.latest,
                    with_starts: false,
                    but: wanted.earliest.into_iter().take(MAX_EARLIEST).collect(),
                    min_depth: wanted.min_depth,
                    limit: limit.clamp(1, MAX_EVENTS),
                };
                let rows = walk.back(tx, &head).await?;
                let mut events = Vec::with_capacity(rows.len());
                for row in rows.into_iter().rev() {
                    events.push(reader.served(tx, &head, row).await?);
                }
                Ok(events)
            })
        })
        .await
}
