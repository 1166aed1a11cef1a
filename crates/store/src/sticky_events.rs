//! Events that members of a room are shown even if they come later, for a while.

use ruma::UserId;

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

    /// Of the rooms that a user is joined to, the events that came after `after` up to and including `upto` and are
    /// sticky at `now_ts`, oldest first.
    pub async fn sticky_event_list_of(
        &mut self,
        user_id: &UserId,
        (after, upto): (Option<StreamPos>, StreamPos),
        now_ts: i64,
        limit: u32,
    ) -> Result<Vec<(RoomNid, EventNid)>> {
        // SQLite keeps the order of a CROSS JOIN: what came since, then whether the user is there; or, at first, each
        // room of the user.
        let since = "SELECT s.room_nid, s.nid FROM sticky_events s CROSS JOIN memberships m \
                     WHERE m.room_nid = s.room_nid AND s.nid > $2 AND s.nid <= $3 AND s.until_ts > $4 \
                     AND m.user_id = $1 AND m.membership = 'join' ORDER BY s.nid LIMIT $5";
        let all = "SELECT s.room_nid, s.nid FROM memberships m CROSS JOIN sticky_events s \
                   WHERE m.user_id = $1 AND m.membership = 'join' AND s.room_nid = m.room_nid \
                   AND s.nid > $2 AND s.nid <= $3 AND s.until_ts > $4 ORDER BY s.nid LIMIT $5";
        let sql = if after.is_some() { since } else { all };
        let after = after.unwrap_or(StreamPos(i64::MIN));
        let rows = self
            .query(sql, params![user_id, after, upto, now_ts, limit])
            .await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
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
