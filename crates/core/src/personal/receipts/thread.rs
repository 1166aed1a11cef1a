//! Whether an event is in a thread.

use rohrpost_store::{EventRow, RoomNid, Tx};
use ruma::{OwnedEventId, events::receipt::ReceiptThread};

use crate::{Result, rooms::relation::relation};

/// How many relations are followed: a reaction to an edit of a message in a thread has two.
const MAX_HOPS: usize = 3;

/// Whether an event may carry a receipt for this thread.
///
/// # Spec
/// [Threaded read receipts](https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts)
pub(super) async fn contains(
    tx: &mut Tx<'_>,
    room: RoomNid,
    thread: &ReceiptThread,
    row: &EventRow,
) -> Result<bool> {
    Ok(match thread {
        ReceiptThread::Main => root_of(tx, room, row).await?.is_none(),
        // The root itself belongs to the main timeline; clients that opened a thread name it nevertheless.
        ReceiptThread::Thread(root) => {
            row.event_id == *root || root_of(tx, room, row).await?.as_ref() == Some(root)
        }
        _ => true,
    })
}

/// The root of the thread that an event is in, by itself or by what it relates to.
async fn root_of(tx: &mut Tx<'_>, room: RoomNid, row: &EventRow) -> Result<Option<OwnedEventId>> {
    let mut related = relation(&row.json);
    for _ in 0..MAX_HOPS {
        if related.thread.is_some() {
            return Ok(related.thread);
        }
        let Some(parent) = related.parent else {
            return Ok(None);
        };
        let Some(parent) = tx.event_get(room, &parent).await? else {
            return Ok(None);
        };
        related = relation(&parent.json);
    }
    Ok(related.thread)
}
