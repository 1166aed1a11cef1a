//! Which messages between devices came from other servers already.

use ruma::{OwnedUserId, ServerName, UserId};

use crate::{
    Result, Tx,
    value::{Value, params},
};

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

    /// Those of these users for whose devices at least `most` messages of users of `origin` wait.
    pub async fn to_device_full_each(
        &mut self,
        users: &[&UserId],
        origin: &ServerName,
        most: u32,
    ) -> Result<Vec<OwnedUserId>> {
        // The end of the user id, compared to the letter: LIKE doesn't on SQLite.
        let sql = "SELECT user_id FROM to_device WHERE user_id = $1 \
                   AND SUBSTR(sender, LENGTH(sender) - $2) = $3 ORDER BY device_id, pos LIMIT 1 OFFSET $4";
        let length = u32::try_from(origin.as_str().len()).unwrap_or(u32::MAX);
        let (end, most) = (format!(":{origin}"), most.saturating_sub(1));
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user_id| vec![(*user_id).into(), length.into(), (&end).into(), most.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }
}
