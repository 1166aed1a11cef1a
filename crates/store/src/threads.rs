//! The threads of a room, in the order in which something was last written in them.

use ruma::{EventId, OwnedEventId, UserId};

use crate::{Result, RoomNid, StreamPos, Tx, value::params};

impl Tx<'_> {
    /// Notes that something was written in a thread.
    pub async fn thread_put(&mut self, room: RoomNid, root_id: &EventId, last: StreamPos) -> Result<()> {
        let sql = "INSERT INTO threads (room_nid, root_id, last_pos) VALUES ($1, $2, $3) \
                   ON CONFLICT (room_nid, root_id) DO UPDATE SET last_pos = excluded.last_pos \
                   WHERE threads.last_pos < excluded.last_pos";
        self.execute(sql, params![room, root_id, last]).await?;
        Ok(())
    }

    /// Looks again where the newest event of a thread is, after one was taken out; without any, it is no thread.
    pub async fn thread_look_again(&mut self, room: RoomNid, root_id: &EventId) -> Result<()> {
        let last =
            "SELECT MAX(pos) FROM relations WHERE room_nid = $1 AND parent_id = $2 AND rel_type = 'm.thread'";
        let last: Option<StreamPos> = self.query_one(last, params![room, root_id]).await?.get(0)?;
        let Some(last) = last else {
            let sql = "DELETE FROM threads WHERE room_nid = $1 AND root_id = $2";
            self.execute(sql, params![room, root_id]).await?;
            return Ok(());
        };
        let sql = "UPDATE threads SET last_pos = $3 WHERE room_nid = $1 AND root_id = $2";
        self.execute(sql, params![room, root_id, last]).await?;
        Ok(())
    }

    /// Roots of threads whose newest event is at `upto` or before, newest first, with its place. With
    /// `participant`, only those that this user began or wrote in.
    pub async fn thread_list(
        &mut self,
        room: RoomNid,
        upto: StreamPos,
        participant: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<(OwnedEventId, StreamPos)>> {
        let rows = match participant {
            None => {
                let sql = "SELECT root_id, last_pos FROM threads WHERE room_nid = $1 AND last_pos <= $2 \
                           ORDER BY last_pos DESC LIMIT $3";
                self.query(sql, params![room, upto, limit]).await?
            }
            Some(user_id) => {
                let sql = "SELECT t.root_id, t.last_pos FROM threads t WHERE t.room_nid = $1 AND t.last_pos <= $2 \
                           AND (EXISTS (SELECT 1 FROM relations r WHERE r.room_nid = t.room_nid \
                           AND r.parent_id = t.root_id AND r.rel_type = 'm.thread' AND r.sender = $4) \
                           OR EXISTS (SELECT 1 FROM events e WHERE e.room_nid = t.room_nid \
                           AND e.event_id = t.root_id AND e.sender = $4)) ORDER BY t.last_pos DESC LIMIT $3";
                self.query(sql, params![room, upto, limit, user_id]).await?
            }
        };
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }
}
