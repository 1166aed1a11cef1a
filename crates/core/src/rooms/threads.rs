//! Lists the threads of a room.

use std::{collections::HashMap, sync::Arc};

use rohrpost_room::{Shape, redact};
use rohrpost_store::{EventRow, StreamPos, Tx};
use ruma::{EventId, OwnedEventId, OwnedRoomId};
use serde_json::value::RawValue;

use crate::{
    Caller, Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        bundle::summaries,
        head::{Head, pdu},
        present::Viewer,
    },
    sync::token::SyncToken,
};

/// Threads on one page when nobody says how many.
const DEFAULT_PAGE: usize = 20;
/// Threads on one page at most.
const MAX_PAGE: usize = 100;
/// Threads that are looked at for one page at most: bounds the work when the visibility hides many.
const MAX_SCANNED: usize = 500;

/// The page that is wanted.
pub struct ThreadsPage {
    /// Only threads that the caller began or wrote in.
    pub participated: bool,
    /// Where it begins; `None`: at the thread with the newest event.
    pub from: Option<SyncToken>,
    /// How many threads at most.
    pub limit: Option<usize>,
}

/// A page of threads.
pub struct Threads {
    /// Their roots, those of the threads with the newest events first.
    pub chunk: Vec<Box<RawValue>>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_batch: Option<SyncToken>,
}

/// A page of the threads of a room, of those that the caller may see.
///
/// # Errors
/// `Forbidden` when the caller may read nothing of the room.
pub async fn list(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    page: ThreadsPage,
) -> Result<Threads> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let mut access = Access::of(tx, &head, &caller.user_id).await?;
                // Refuses whoever may not read the room at all.
                access.state(tx, &mut head).await?;
                let ignored = Ignored::of(tx, &caller.user_id).await?;
                let (seen, next_batch) = collect(tx, &head, &mut access, &caller, &ignored, &page).await?;
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                Ok(Threads {
                    chunk: viewer.page(tx, &head, &mut access, &ignored, &seen).await?,
                    next_batch,
                })
            })
        })
        .await
}

async fn collect(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    caller: &Caller,
    ignored: &Ignored,
    page: &ThreadsPage,
) -> Result<(Vec<Seen>, Option<SyncToken>)> {
    let room = head.room.nid;
    let user_id = &caller.user_id;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let ask = u32::try_from(limit).unwrap_or(u32::MAX);
    let participant = page.participated.then_some(&**user_id);
    let mut upto = page.from.map_or(head.room.last_pos, |token| token.0);
    let mut seen = Vec::new();
    let mut scanned = 0;
    loop {
        let threads = tx.thread_list(room, upto, participant, ask).await?;
        let mut is_last = threads.len() < limit;
        let end = threads.last().map(|(_, last)| *last);
        let mut roots = visible_roots(tx, head, access, caller, &threads).await?;
        let rows: Vec<&EventRow> = roots.values().map(|root| &root.row).collect();
        let summaries = summaries(tx, head, access, ignored, user_id, &rows).await?;
        for (root_id, last) in threads {
            upto = StreamPos(last.0 - 1);
            scanned += 1;
            // A thread of which nothing can be seen is none to the caller.
            if summaries.contains_key(&root_id)
                && let Some(mut root) = roots.remove(&root_id)
            {
                // "If the thread root event was sent by an ignored user, the event is returned redacted."
                if ignored.hides(&root.row) {
                    let redacted = redact(&pdu(&head.room.room_id, &root.row)?, &head.room.version)?;
                    root.row.json = redacted.json().to_owned();
                }
                seen.push(root);
            }
            if seen.len() == limit {
                is_last &= Some(last) == end;
                break;
            }
        }
        let is_full = seen.len() == limit || scanned >= MAX_SCANNED;
        if is_last || is_full {
            return Ok((seen, (!is_last).then_some(SyncToken(upto))));
        }
    }
}

/// The roots of threads, those that the caller may see.
async fn visible_roots(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    caller: &Caller,
    threads: &[(OwnedEventId, StreamPos)],
) -> Result<HashMap<OwnedEventId, Seen>> {
    let ids: Vec<&EventId> = threads.iter().map(|(root_id, _)| &**root_id).collect();
    let mut rows = tx.event_get_each(head.room.nid, ids).await?;
    rows.retain(|row| row.pos.is_some());
    let seen = access.filter(tx, head, &caller.user_id, rows).await?;
    Ok(seen
        .into_iter()
        .map(|seen| (seen.row.event_id.clone(), seen))
        .collect())
}
