//! `m.receipt`
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#receipts>

use std::sync::Arc;

use rohrpost_store::{ReceiptRow, Tx, Work};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, ServerName, UserId,
    api::federation::transactions::edu::ReceiptContent,
    events::{receipt::ReceiptThread, room::member::MembershipState},
};

use super::{is_of, room};
use crate::{Refusal, Result, Server};

/// Receipts that are taken out of one piece of news.
const MAX_RECEIPTS: usize = 500;
/// Longest name of a thread, in bytes: an event id.
const MAX_THREAD_BYTES: usize = 255;

struct Read {
    user_id: OwnedUserId,
    event_id: OwnedEventId,
    thread: String,
    ts: i64,
}

struct Unit {
    server: Arc<Server>,
    origin: OwnedServerName,
    rooms: Vec<(OwnedRoomId, Vec<Read>)>,
}

pub(super) async fn receive(
    server: &Arc<Server>,
    origin: &ServerName,
    content: ReceiptContent,
) -> Result<()> {
    let now_ts = server.now_ts();
    let mut left = MAX_RECEIPTS;
    let mut rooms = Vec::new();
    for (room_id, receipts) in content.receipts {
        let mut reads = Vec::new();
        for (user_id, read) in receipts.read {
            let thread = match read.data.thread {
                ReceiptThread::Unthreaded => String::new(),
                thread => thread.as_str().unwrap_or_default().to_owned(),
            };
            let Some(event_id) = read.event_ids.into_iter().next_back() else {
                continue;
            };
            if !is_of(&user_id, origin) || thread.len() > MAX_THREAD_BYTES || left == 0 {
                continue;
            }
            left -= 1;
            let ts = read.data.ts.map_or(now_ts, |ts| i64::from(ts.0).min(now_ts));
            reads.push(Read {
                user_id,
                event_id,
                thread,
                ts,
            });
        }
        if !reads.is_empty() {
            rooms.push((room_id, reads));
        }
    }
    if rooms.is_empty() {
        return Ok(());
    }
    let unit = Unit {
        server: Arc::clone(server),
        origin: origin.to_owned(),
        rooms,
    };
    server.store.write(unit).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (room_id, reads) in &self.rooms {
            let Some(head) = room(&self.server, tx, &self.origin, room_id).await? else {
                continue;
            };
            let nid = head.room.nid;
            let users: Vec<&UserId> = reads.iter().map(|read| &*read.user_id).collect();
            let members = tx.membership_get_each(nid, &users).await?;
            let is_joined = |user_id: &UserId| {
                let member = members.iter().find(|member| member.user_id == *user_id);
                member.is_some_and(|member| member.membership == MembershipState::Join)
            };
            let events = tx
                .event_get_each(nid, reads.iter().map(|read| &*read.event_id))
                .await?;
            let mut rows = Vec::new();
            for read in reads.iter().filter(|read| is_joined(&read.user_id)) {
                let event = events.iter().find(|event| event.event_id == read.event_id);
                if let Some(event_pos) = event.and_then(|event| event.pos) {
                    rows.push((read, event_pos));
                }
            }
            if rows.is_empty() {
                continue;
            }
            let pos = tx.pos_next().await?;
            let mut has_moved = false;
            for (read, event_pos) in rows {
                let receipt = ReceiptRow {
                    room: nid,
                    user_id: read.user_id.clone(),
                    kind: "m.read".to_owned(),
                    thread: read.thread.clone(),
                    event_id: read.event_id.clone(),
                    event_pos,
                    ts: read.ts,
                    pos,
                };
                has_moved |= tx.receipt_put(&receipt).await?;
            }
            if has_moved {
                tx.wake(head.local_joined);
            }
        }
        Ok(())
    }
}
