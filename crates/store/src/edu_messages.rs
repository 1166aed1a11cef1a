//! Which messages between devices came from other servers already.

use ruma::ServerName;

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// Notes a message of another server. `false`: it came before.
    pub async fn edu_message_insert(
        &mut self,
        origin: &ServerName,
        message_id: &str,
        now_ts: i64,
    ) -> Result<bool> {
        let sql = "INSERT INTO edu_messages (origin, message_id, created_ts) VALUES ($1, $2, $3) \
                   ON CONFLICT (origin, message_id) DO NOTHING";
        let values = params![origin.as_str(), message_id, now_ts];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Forgets the messages of before `before_ts`.
    pub async fn edu_message_delete_old(&mut self, before_ts: i64) -> Result<()> {
        let sql = "DELETE FROM edu_messages WHERE created_ts < $1";
        self.put(sql, params![before_ts]).await
    }

    /// How many messages wait for the devices of a user, up to `most`.
    pub async fn to_device_count(&mut self, user_id: &ruma::UserId, most: u32) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM to_device WHERE user_id = $1 LIMIT $2) AS some";
        self.query_one(sql, params![user_id, most]).await?.get(0)
    }
}
