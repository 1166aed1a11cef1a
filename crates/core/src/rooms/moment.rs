//! Finds the event of a moment.

use std::sync::Arc;

use rohrpost_store::StreamPos;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, api::Direction};

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{access::Access, head::pdu},
};

/// Events that are read at once.
const BATCH: u32 = 50;
/// Events that are looked at at most: bounds the work when the visibility hides many.
const MAX_SCANNED: usize = 1000;

/// The event nearest to a moment, at it or after it going forward, at it or before it going back; of those that the
/// caller may see.
///
/// # Errors
/// `Forbidden` when the caller may read nothing of the room, `NotFound` when there is no such event.
///
/// # Spec
/// [Getting events by time](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event)
pub async fn find(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    ts: MilliSecondsSinceUnixEpoch,
    direction: Direction,
) -> Result<(OwnedEventId, MilliSecondsSinceUnixEpoch)> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let mut access = Access::of(tx, &head, &caller.user_id).await?;
                // Refuses whoever may not read the room at all.
                access.state(tx, &mut head).await?;
                let room = head.room.nid;
                let mut ts = i64::from(ts.0);
                let mut pos = match direction {
                    Direction::Backward => StreamPos(i64::MAX),
                    Direction::Forward => StreamPos(i64::MIN),
                };
                let mut scanned = 0;
                while scanned < MAX_SCANNED {
                    let rows = match direction {
                        Direction::Backward => tx.event_list_before(room, ts, pos, BATCH).await?,
                        Direction::Forward => tx.event_list_since(room, ts, pos, BATCH).await?,
                    };
                    scanned += rows.len();
                    let is_last = rows.len() < BATCH as usize;
                    for row in rows {
                        let at = pdu(&room_id, &row)?.origin_server_ts();
                        (ts, pos) = (i64::from(at.0), row.pos.unwrap_or(pos));
                        if let Some(seen) = access.see(tx, &head, &caller.user_id, row).await? {
                            return Ok((seen.row.event_id, at));
                        }
                    }
                    if is_last {
                        break;
                    }
                }
                Err(Refusal::not_found("an event of this time was"))
            })
        })
        .await
}
