//! Who is typing.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, RoomNid, StreamPos, Tx,
    value::{Value, params},
};

impl Tx<'_> {
    /// Notes that a user types until `until_ts` (ms since the epoch; in the past: not any more).
    pub async fn typing_put(
        &mut self,
        room: RoomNid,
        user_id: &UserId,
        until_ts: i64,
        pos: StreamPos,
    ) -> Result<()> {
        let sql = "INSERT INTO typing (room_nid, user_id, until_ts, pos) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (room_nid, user_id) DO UPDATE SET until_ts = excluded.until_ts, pos = excluded.pos";
        self.put(sql, params![room, user_id, until_ts, pos]).await
    }

    /// Until when a user is noted as typing, ms since the epoch; `None`: never was.
    pub async fn typing_until(&mut self, room: RoomNid, user_id: &UserId) -> Result<Option<i64>> {
        let sql = "SELECT until_ts FROM typing WHERE room_nid = $1 AND user_id = $2";
        self.query_opt(sql, params![room, user_id])
            .await?
            .map(|row| row.get(0))
            .transpose()
    }

    /// Lets a user who types do so for longer. Nobody sees a difference, so it takes no position.
    pub async fn typing_extend(&mut self, room: RoomNid, user_id: &UserId, until_ts: i64) -> Result<()> {
        let sql = "UPDATE typing SET until_ts = $3 WHERE room_nid = $1 AND user_id = $2";
        self.put(sql, params![room, user_id, until_ts]).await
    }

    /// Notes that these don't type any more, except those who said in the meantime that they go on after `now_ts`.
    pub async fn typing_stop(
        &mut self,
        who: &[(RoomNid, OwnedUserId)],
        now_ts: i64,
        pos: StreamPos,
    ) -> Result<()> {
        let sql = "UPDATE typing SET until_ts = 0, pos = $3 \
                   WHERE room_nid = $1 AND user_id = $2 AND until_ts > 0 AND until_ts <= $4";
        let rows: Vec<Vec<Value<'_>>> = who
            .iter()
            .map(|(room, user_id)| vec![(*room).into(), user_id.into(), pos.into(), now_ts.into()])
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Whether a user is noted as typing at `now_ts`.
    pub async fn typing_is(&mut self, room: RoomNid, user_id: &UserId, now_ts: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM typing WHERE room_nid = $1 AND user_id = $2 AND until_ts > $3";
        Ok(self
            .query_opt(sql, params![room, user_id, now_ts])
            .await?
            .is_some())
    }

    /// Who types in a room at `now_ts`, in order.
    pub async fn typing_list(&mut self, room: RoomNid, now_ts: i64) -> Result<Vec<OwnedUserId>> {
        let sql =
            "SELECT user_id FROM typing WHERE room_nid = $1 AND until_ts > $2 ORDER BY user_id LIMIT 100";
        self.query(sql, params![room, now_ts])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// Whether somebody began or stopped in a room after `after` up to and including `upto`.
    pub async fn typing_any(&mut self, room: RoomNid, after: StreamPos, upto: StreamPos) -> Result<bool> {
        let sql = "SELECT 1 FROM typing WHERE room_nid = $1 AND pos > $2 AND pos <= $3 LIMIT 1";
        Ok(self.query_opt(sql, params![room, after, upto]).await?.is_some())
    }

    /// Those who stopped without saying so: noted until a time between 1 and `now_ts`.
    pub async fn typing_expired(&mut self, now_ts: i64, limit: u32) -> Result<Vec<(RoomNid, OwnedUserId)>> {
        let sql = "SELECT room_nid, user_id FROM typing WHERE until_ts > 0 AND until_ts <= $1 LIMIT $2";
        let rows = self.query(sql, params![now_ts, limit]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }
}
