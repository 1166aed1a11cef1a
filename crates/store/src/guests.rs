//! Guests: accounts without a password, for looking around. What makes a guest is the `kind` of the account.

use ruma::{OwnedUserId, UserId};

use crate::{Result, RoomNid, Tx, value::params};

impl Tx<'_> {
    /// Makes a new account that of a guest.
    pub async fn guest_set(&mut self, user_id: &UserId) -> Result<()> {
        let sql = "UPDATE users SET kind = 'guest' WHERE user_id = $1";
        self.execute(sql, params![user_id]).await?;
        Ok(())
    }

    /// Whether a user is a guest of this server.
    pub async fn guest_is(&mut self, user_id: &UserId) -> Result<bool> {
        let sql = "SELECT 1 FROM users WHERE user_id = $1 AND kind = 'guest'";
        Ok(self.query_opt(sql, params![user_id]).await?.is_some())
    }

    /// Makes a guest an account like any other, with a password. `false`: there is no such guest (any more), nothing
    /// was changed.
    pub async fn guest_upgrade(
        &mut self,
        user_id: &UserId,
        password_hash: Option<&str>,
        administrator: bool,
    ) -> Result<bool> {
        let sql = "UPDATE users SET kind = 'user', password_hash = $2, administrator = $3 \
                   WHERE user_id = $1 AND kind = 'guest' AND state = 'active'";
        let touched = self
            .execute(sql, params![user_id, password_hash, administrator])
            .await?;
        Ok(touched == 1)
    }

    /// How many guests there are. Closed accounts don't count.
    pub async fn guest_count(&mut self) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM users WHERE kind = 'guest' AND state = 'active'";
        self.query_one(sql, &[]).await?.get(0)
    }

    /// Guests whom nobody used since `before_ts`, in the order of their names.
    pub async fn guest_list_unused(&mut self, before_ts: i64, limit: u32) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT u.user_id FROM users u WHERE u.kind = 'guest' AND u.state = 'active' AND u.created_ts < $1 \
                   AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.user_id = u.user_id AND d.last_seen_ts >= $1) \
                   ORDER BY u.user_id LIMIT $2";
        let rows = self.query(sql, params![before_ts, limit]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The guests in a room, in the order of their names.
    pub async fn guest_list_joined(&mut self, room: RoomNid) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT m.user_id FROM memberships m JOIN users u ON u.user_id = m.user_id \
                   WHERE m.room_nid = $1 AND m.membership = 'join' AND u.kind = 'guest' ORDER BY m.user_id";
        let rows = self.query(sql, params![room]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
