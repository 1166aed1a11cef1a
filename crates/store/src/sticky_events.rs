//! Events that members of a room are shown even if they come later, for a while.

use crate::{EventNid, Result, RoomNid, StreamPos, Tx, value::params};

impl Tx<'_> {
    /// Notes that an event is sticky until `until_ts`.
    pub async fn sticky_event_insert(&mut self, room: RoomNid, event: EventNid, until_ts: i64) -> Result<()> {
        let sql = "INSERT INTO sticky_events (room_nid, nid, until_ts) VALUES ($1, $2, $3) \
                   ON CONFLICT (room_nid, nid) DO NOTHING";
        self.execute(sql, params![room, event, until_ts]).await?;
        Ok(())
    }

    /// The sticky events of a room that came after `after` up to and including `upto` and are sticky at `now_ts`; of
    /// more than `limit` the newest. Oldest first.
    pub async fn sticky_event_list(
        &mut self,
        room: RoomNid,
        (after, upto): (StreamPos, StreamPos),
        now_ts: i64,
        limit: u32,
    ) -> Result<Vec<EventNid>> {
        let sql = "SELECT nid FROM sticky_events WHERE room_nid = $1 AND nid > $2 AND nid <= $3 AND until_ts > $4 \
                   ORDER BY nid DESC LIMIT $5";
        let rows = self.query(sql, params![room, after, upto, now_ts, limit]).await?;
        rows.iter().rev().map(|row| row.get(0)).collect()
    }

    /// Takes the stickiness from an event.
    pub async fn sticky_event_delete(&mut self, room: RoomNid, event: EventNid) -> Result<()> {
        let sql = "DELETE FROM sticky_events WHERE room_nid = $1 AND nid = $2";
        self.execute(sql, params![room, event]).await?;
        Ok(())
    }

    /// Forgets events that were sticky until `now_ts` or earlier.
    pub async fn sticky_event_delete_old(&mut self, now_ts: i64) -> Result<u64> {
        let sql = "DELETE FROM sticky_events WHERE until_ts <= $1";
        self.execute(sql, params![now_ts]).await
    }
}
