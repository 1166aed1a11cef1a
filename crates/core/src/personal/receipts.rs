//! Up to where somebody read: receipts, public and private, and the marker of the fully read.
//!
//! They only move forward. One that doesn't move is not written and wakes nobody.

mod thread;

use std::sync::Arc;

use rohrpost_store::{AccountData, EventRow, ReceiptRow, StreamPos, Tx, Work};
use ruma::{
    EventId, OwnedEventId, OwnedRoomId,
    api::client::receipt::create_receipt::v3::ReceiptType,
    events::{fully_read::FullyReadEventContent, receipt::ReceiptThread},
};

use crate::{
    Caller, Refusal, Result, Server,
    personal::account_data::FULLY_READ,
    rooms::{access::Access, head::Head},
};

/// A marker to be moved to an event.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Which marker.
    pub kind: ReceiptType,
    /// Where to.
    pub event_id: OwnedEventId,
    /// Receipts: for which thread.
    pub thread: ReceiptThread,
}

/// Markers to be moved in one room.
pub struct MarkRead {
    /// Whose they are.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// Each at most once.
    pub marks: Vec<Mark>,
}

struct Unit {
    server: Arc<Server>,
    wanted: MarkRead,
    now_ts: i64,
}

/// Moves markers forward, all or none.
///
/// # Errors
/// `Forbidden` when the caller isn't in the room, `NotFound` when the event isn't in the room or not visible,
/// `InvalidParam` for a kind of receipt that isn't known or a thread that doesn't fit.
///
/// # Spec
/// [Receipts](https://spec.matrix.org/v1.19/client-server-api/#receipts),
/// [fully read markers](https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers)
pub async fn mark(server: &Arc<Server>, wanted: MarkRead) -> Result<()> {
    for mark in &wanted.marks {
        check(mark)?;
    }
    let now_ts = server.now_ts();
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
            now_ts,
        })
        .await
}

fn check(mark: &Mark) -> Result<()> {
    let invalid = |text: &str| Err(Refusal::InvalidParam(text.to_owned()));
    match (&mark.kind, &mark.thread) {
        (ReceiptType::FullyRead, ReceiptThread::Unthreaded) => Ok(()),
        (ReceiptType::FullyRead, _) => invalid("m.fully_read has no thread_id"),
        (
            ReceiptType::Read | ReceiptType::ReadPrivate,
            ReceiptThread::Unthreaded | ReceiptThread::Main | ReceiptThread::Thread(_),
        ) => Ok(()),
        (ReceiptType::Read | ReceiptType::ReadPrivate, _) => invalid("thread_id must be main or an event id"),
        _ => invalid("the receipt type must be m.read, m.read.private or m.fully_read"),
    }
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.wanted.caller.user_id;
        let head = self.server.heads.read(tx, &self.wanted.room_id).await?;
        let mut access = Access::of(tx, &head, user_id).await?;
        if !access.is_joined() {
            return Err(Refusal::not_in_room());
        }
        let present = tx.receipt_list_of(head.room.nid, user_id).await?;
        let mut moves = Vec::new();
        for mark in &self.wanted.marks {
            let (row, at) = self.event(tx, &head, &mut access, &mark.event_id).await?;
            let moving = match mark.kind {
                ReceiptType::FullyRead => self.fully_read(tx, &head, &row, at).await?,
                _ => self.receipt(tx, &head, &present, mark, &row, at).await?,
            };
            moves.extend(moving);
        }
        if moves.is_empty() {
            return Ok(());
        }
        let pos = tx.pos_next().await?;
        for moving in moves {
            match moving {
                Move::FullyRead(data) => {
                    tx.account_data_put(user_id, &AccountData { pos, ..data }).await?;
                    tx.wake_user(user_id);
                }
                Move::Receipt(receipt) => {
                    let is_public = receipt.kind == ReceiptType::Read.as_str();
                    tx.receipt_put(&ReceiptRow { pos, ..receipt }).await?;
                    match is_public {
                        true => tx.wake(Arc::clone(&head.local_joined)),
                        false => tx.wake_user(user_id),
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is to be written, without its position.
enum Move {
    FullyRead(AccountData),
    Receipt(ReceiptRow),
}

impl Unit {
    /// The event and its place in the timeline, if the caller may see it.
    async fn event(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        access: &mut Access,
        event_id: &EventId,
    ) -> Result<(EventRow, StreamPos)> {
        let not_found = || Refusal::not_found("event");
        let row = tx
            .event_get(head.room.nid, event_id)
            .await?
            .ok_or_else(not_found)?;
        let at = row.pos.ok_or_else(not_found)?;
        let user_id = &self.wanted.caller.user_id;
        let seen = access.see(tx, head, user_id, row).await?.ok_or_else(not_found)?;
        Ok((seen.row, at))
    }

    async fn receipt(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        present: &[ReceiptRow],
        mark: &Mark,
        row: &EventRow,
        at: StreamPos,
    ) -> Result<Option<Move>> {
        let kind = mark.kind.as_str();
        let thread = mark.thread.as_str().unwrap_or_default();
        let is_there = |old: &&ReceiptRow| old.kind == kind && old.thread == thread;
        if present
            .iter()
            .find(is_there)
            .is_some_and(|old| old.event_pos >= at)
        {
            return Ok(None);
        }
        if !thread::contains(tx, head.room.nid, &mark.thread, row).await? {
            return Err(Refusal::InvalidParam(
                "this event is not in the thread that thread_id names".to_owned(),
            ));
        }
        Ok(Some(Move::Receipt(ReceiptRow {
            room: head.room.nid,
            user_id: self.wanted.caller.user_id.clone(),
            kind: kind.to_owned(),
            thread: thread.to_owned(),
            event_id: mark.event_id.clone(),
            event_pos: at,
            ts: self.now_ts,
            pos: StreamPos(0),
        })))
    }

    async fn fully_read(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: &EventRow,
        at: StreamPos,
    ) -> Result<Option<Move>> {
        let room = head.room.nid;
        let old = tx
            .account_data_get(&self.wanted.caller.user_id, room, FULLY_READ)
            .await?;
        if let Some(old) = old {
            let old: FullyReadEventContent = serde_json::from_str(&old.content)?;
            let old = tx.event_get(room, &old.event_id).await?;
            if old.and_then(|old| old.pos).is_some_and(|old| old >= at) {
                return Ok(None);
            }
        }
        let content = serde_json::to_string(&FullyReadEventContent::new(row.event_id.clone()))?;
        let data = AccountData {
            room,
            kind: FULLY_READ.to_owned(),
            content,
            pos: StreamPos(0),
        };
        Ok(Some(Move::FullyRead(data)))
    }
}
