//! Finds the event of a moment.

use std::sync::Arc;

use rohrpost_store::{EventRow, StreamPos, Tx};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, api::Direction};

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{
        access::Access,
        head::{Head, pdu},
    },
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
                let mut moments = Moments::new(ts, direction);
                while let Some(rows) = moments.next(tx, &head).await? {
                    for (row, at) in rows {
                        if let Some(seen) = access.see(tx, &head, &caller.user_id, row).await? {
                            return Ok((seen.row.event_id, at));
                        }
                    }
                }
                Err(Refusal::not_found("an event of this time was"))
            })
        })
        .await
}

/// The events of a room from a moment on, page by page, whoever may see them.
pub(crate) struct Moments {
    ts: i64,
    pos: StreamPos,
    direction: Direction,
    scanned: usize,
    is_over: bool,
}

impl Moments {
    pub(crate) fn new(ts: MilliSecondsSinceUnixEpoch, direction: Direction) -> Self {
        Self {
            ts: i64::from(ts.0),
            pos: match direction {
                Direction::Backward => StreamPos(i64::MAX),
                Direction::Forward => StreamPos(i64::MIN),
            },
            direction,
            scanned: 0,
            is_over: false,
        }
    }

    /// The next page, each event with its time. `None`: there are no more, or enough were looked at.
    pub(crate) async fn next(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
    ) -> Result<Option<Vec<(EventRow, MilliSecondsSinceUnixEpoch)>>> {
        if self.is_over || self.scanned >= MAX_SCANNED {
            return Ok(None);
        }
        let (room, ts, pos) = (head.room.nid, self.ts, self.pos);
        let rows = match self.direction {
            Direction::Backward => tx.event_list_before(room, ts, pos, BATCH).await?,
            Direction::Forward => tx.event_list_since(room, ts, pos, BATCH).await?,
        };
        self.scanned += rows.len();
        self.is_over = rows.len() < BATCH as usize;
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let at = pdu(&head.room.room_id, &row)?.origin_server_ts();
            (self.ts, self.pos) = (i64::from(at.0), row.pos.unwrap_or(self.pos));
            page.push((row, at));
        }
        Ok(Some(page))
    }
}
