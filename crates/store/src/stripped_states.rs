//! What people may know of rooms that nobody here is in.

use ruma::UserId;

use crate::{Result, RoomNid, Tx, value::params};

/// What another server told of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StrippedState {
    /// JSON array of stripped events.
    pub events: String,
    /// Servers that are in the room, separated by spaces.
    pub via: String,
}

impl Tx<'_> {
    /// Notes what a user may know of a room.
    pub async fn stripped_state_put(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
        new: &StrippedState,
    ) -> Result<()> {
        let sql = "INSERT INTO stripped_states (user_id, room_nid, events, via) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id, room_nid) DO UPDATE SET events = excluded.events, via = excluded.via";
        self.put(sql, params![user_id, room, &new.events, &new.via]).await
    }

    /// What a user may know of a room that nobody here is in.
    pub async fn stripped_state_get(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
    ) -> Result<Option<StrippedState>> {
        let sql = "SELECT events, via FROM stripped_states WHERE user_id = $1 AND room_nid = $2";
        let row = self.query_opt(sql, params![user_id, room]).await?;
        row.map(|row| {
            Ok(StrippedState {
                events: row.get(0)?,
                via: row.get(1)?,
            })
        })
        .transpose()
    }

    /// Forgets it.
    pub async fn stripped_state_delete(&mut self, user_id: &UserId, room: RoomNid) -> Result<()> {
        let sql = "DELETE FROM stripped_states WHERE user_id = $1 AND room_nid = $2";
        self.put(sql, params![user_id, room]).await
    }
}
