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

    /// Those of these users for whose devices at least `by_sender` messages of `sender` wait, or at least `by_server` of all
    /// users of its server.
    pub async fn to_device_full_each(
        &mut self,
        users: &[&UserId],
        sender: &UserId,
        (by_sender, by_server): (u32, u32),
    ) -> Result<Vec<OwnedUserId>> {
        let of_sender = "SELECT user_id FROM to_device WHERE user_id = $1 AND sender = $2 \
                         ORDER BY device_id, pos LIMIT 1 OFFSET $3";
        let (by_sender, by_server) = (by_sender.saturating_sub(1), by_server.saturating_sub(1));
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user_id| vec![(*user_id).into(), sender.into(), by_sender.into()])
            .collect();
        let mut found = self.query_each(of_sender, &keys).await?;
        // The end of the user id, compared to the letter: LIKE doesn't on SQLite.
        let of_server = "SELECT user_id FROM to_device WHERE user_id = $1 \
                         AND SUBSTR(sender, LENGTH(sender) - $2) = $3 ORDER BY device_id, pos LIMIT 1 OFFSET $4";
        let name = sender.server_name().as_str();
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        let end = format!(":{name}");
        let keys: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user_id| vec![(*user_id).into(), length.into(), (&end).into(), by_server.into()])
            .collect();
        found.extend(self.query_each(of_server, &keys).await?);
        found.iter().flatten().map(|row| row.get(0)).collect()
    }
}
