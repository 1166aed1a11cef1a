//! Finds the event of a moment for another server.

use std::sync::Arc;

use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedServerName, api::Direction};

use super::reader::Reader;
use crate::{Refusal, Result, Server, rooms::moment::Moments};

/// The event nearest to a moment, of those that the other server may see.
///
/// # Errors
/// `Forbidden` when the other server isn't in the room; `NotFound` when there is no such event.
///
/// # Spec
/// [`GET /timestamp_to_event`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid)
pub async fn find(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    ts: MilliSecondsSinceUnixEpoch,
    direction: Direction,
) -> Result<(OwnedEventId, MilliSecondsSinceUnixEpoch)> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let (head, mut reader) = Reader::enter(&server_, tx, &room_id, &origin).await?;
                let mut moments = Moments::new(ts, direction);
                while let Some(rows) = moments.next(tx, &head).await? {
                    for (row, at) in rows {
                        if reader.sees(tx, &head, &row).await? {
                            return Ok((row.event_id, at));
                        }
                    }
                }
                Err(Refusal::not_found("an event of this time was"))
            })
        })
        .await
}
