//! Read receipts.

use ruma::{EventId, OwnedEventId, OwnedUserId, UserId};

use crate::{
    Result, RoomNid, StreamPos, Tx,
    value::{Row, params},
};

/// Up to where somebody read.
#[derive(Clone, Debug)]
pub struct ReceiptRow {
    /// The room.
    pub room: RoomNid,
    /// Who.
    pub user_id: OwnedUserId,
    /// `m.read` or `m.read.private`.
    pub kind: String,
    /// Empty: unthreaded; else `main` or the event id of the thread's root.
    pub thread: String,
    /// The newest event that was read.
    pub event_id: OwnedEventId,
    /// Its position.
    pub event_pos: StreamPos,
    /// When, ms since the epoch.
    pub ts: i64,
    /// When we heard of it.
    pub pos: StreamPos,
}

fn receipt(row: &Row) -> Result<ReceiptRow> {
    Ok(ReceiptRow {
        room: row.get(0)?,
        user_id: row.get(1)?,
        kind: row.get(2)?,
        thread: row.get(3)?,
        event_id: row.get(4)?,
        event_pos: row.get(5)?,
        ts: row.get(6)?,
        pos: row.get(7)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT room_nid, user_id, kind, thread, event_id, event_pos, ts, pos FROM receipts ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Moves a receipt forward. `false`: it is there already or further on, nothing was changed.
    pub async fn receipt_put(&mut self, new: &ReceiptRow) -> Result<bool> {
        let sql = "INSERT INTO receipts (room_nid, user_id, kind, thread, event_id, event_pos, ts, pos) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (room_nid, user_id, kind, thread) DO UPDATE SET \
                   event_id = excluded.event_id, event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos \
                   WHERE receipts.event_pos < excluded.event_pos";
        let event: &EventId = &new.event_id;
        let values = params![
            new.room,
            &new.user_id,
            &new.kind,
            &new.thread,
            event,
            new.event_pos,
            new.ts,
            new.pos
        ];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Receipts of a room that came after `after` up to and including `upto`.
    pub async fn receipt_list(
        &mut self,
        room: RoomNid,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<ReceiptRow>> {
        let sql = select!("WHERE room_nid = $1 AND pos > $2 AND pos <= $3 ORDER BY pos");
        self.query(sql, params![room, after, upto])
            .await?
            .iter()
            .map(receipt)
            .collect()
    }

    /// Public receipts of all rooms that came after `after` up to and including `upto`. For work that follows the stream.
    pub async fn receipt_stream(
        &mut self,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<ReceiptRow>> {
        let sql = select!("WHERE pos > $1 AND pos <= $2 AND kind = 'm.read' ORDER BY pos LIMIT $3");
        let rows = self.query(sql, params![after, upto, limit]).await?;
        rows.iter().map(receipt).collect()
    }

    /// A user's own receipts in a room, public and private.
    pub async fn receipt_list_of(&mut self, room: RoomNid, user_id: &UserId) -> Result<Vec<ReceiptRow>> {
        let sql = select!("WHERE room_nid = $1 AND user_id = $2");
        self.query(sql, params![room, user_id])
            .await?
            .iter()
            .map(receipt)
            .collect()
    }
}
