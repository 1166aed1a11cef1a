//! People who wanted what they wrote to be erased when they closed their account.

use ruma::{OwnedUserId, UserId};

use crate::{Result, RoomNid, StreamPos, Tx, value::params};

impl Tx<'_> {
    /// Notes that somebody wants to be erased. Again changes nothing.
    pub async fn erased_user_put(&mut self, user_id: &UserId, pos: StreamPos) -> Result<()> {
        let sql =
            "INSERT INTO erased_users (user_id, erased_pos) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING";
        self.execute(sql, params![user_id, pos]).await?;
        Ok(())
    }

    /// Those of a room who are to be erased, each with the newest position when they said so.
    pub async fn erased_user_list(&mut self, room: RoomNid) -> Result<Vec<(OwnedUserId, StreamPos)>> {
        let sql = "SELECT e.user_id, e.erased_pos FROM erased_users e \
                   JOIN memberships m ON m.user_id = e.user_id AND m.room_nid = $1";
        let rows = self.query(sql, params![room]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }
}
