//! The words of messages, for finding them again.

use ruma::{OwnedRoomId, UserId};

use crate::{
    Result, RoomNid, StreamPos, Tx,
    value::{Value, params},
};

impl Tx<'_> {
    /// Notes the words of an event. Nothing changes for those that are noted already.
    pub async fn search_put(
        &mut self,
        room: RoomNid,
        pos: StreamPos,
        words: impl IntoIterator<Item = &str>,
    ) -> Result<()> {
        let sql = "INSERT INTO search_words (room_nid, word, pos) VALUES ($1, $2, $3) \
                   ON CONFLICT (room_nid, word, pos) DO NOTHING";
        let rows: Vec<Vec<Value<'_>>> = words
            .into_iter()
            .map(|word| vec![room.into(), word.into(), pos.into()])
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Forgets words of an event.
    pub async fn search_delete(
        &mut self,
        room: RoomNid,
        pos: StreamPos,
        words: impl IntoIterator<Item = &str>,
    ) -> Result<()> {
        let sql = "DELETE FROM search_words WHERE room_nid = $1 AND word = $2 AND pos = $3";
        let rows: Vec<Vec<Value<'_>>> = words
            .into_iter()
            .map(|word| vec![room.into(), word.into(), pos.into()])
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// The rooms that were never encrypted and that a user is in or was in, those where something happened last
    /// first.
    pub async fn search_rooms(
        &mut self,
        user_id: &UserId,
        limit: u32,
    ) -> Result<Vec<(RoomNid, OwnedRoomId)>> {
        let sql = "SELECT r.nid, r.room_id FROM memberships m JOIN rooms r ON r.nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership IN ('join', 'leave', 'ban') AND m.forgotten = 0 \
                   AND r.ever_encrypted = 0 ORDER BY r.last_pos DESC, r.nid LIMIT $2";
        let rows = self.query(sql, params![user_id, limit]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Where in each of these rooms all four words stand in one event, up to and including `upto`, newest first.
    /// Of the events with the first word, only the newest `window` are looked at.
    pub async fn search_find(
        &mut self,
        rooms: &[RoomNid],
        words: [&str; 4],
        upto: StreamPos,
        window: u32,
        limit: u32,
    ) -> Result<Vec<(RoomNid, StreamPos)>> {
        let sql = "SELECT room_nid, pos FROM (SELECT room_nid, pos FROM search_words WHERE room_nid = $1 \
                   AND word = $2 AND pos <= $6 ORDER BY pos DESC LIMIT $7) AS w \
                   WHERE EXISTS (SELECT 1 FROM search_words x WHERE x.room_nid = $1 AND x.word = $3 AND x.pos = w.pos) \
                   AND EXISTS (SELECT 1 FROM search_words x WHERE x.room_nid = $1 AND x.word = $4 AND x.pos = w.pos) \
                   AND EXISTS (SELECT 1 FROM search_words x WHERE x.room_nid = $1 AND x.word = $5 AND x.pos = w.pos) \
                   ORDER BY pos DESC LIMIT $8";
        let [one, two, three, four] = words;
        let values: Vec<Vec<Value<'_>>> = rooms
            .iter()
            .map(|room| params![*room, one, two, three, four, upto, window, limit].to_vec())
            .collect();
        let found = self.query_each(sql, &values).await?;
        let rows = found.iter().flatten();
        rows.map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }
}
