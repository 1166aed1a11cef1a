//! Keys of people of other servers, kept for a while.

use ruma::{OwnedUserId, ServerName};

use crate::{
    Result, StreamPos, Tx,
    value::{Value, params},
};

/// Keys as they are to be kept: of whom, and JSON.
pub type NewRemoteKeys = (OwnedUserId, String);

impl Tx<'_> {
    /// What is kept of some users, whether it still holds or not, in their order.
    pub async fn remote_keys_list_each(&mut self, users: &[OwnedUserId]) -> Result<Vec<Option<String>>> {
        let sql = "SELECT keys FROM remote_keys WHERE user_id = $1";
        let asked: Vec<Vec<Value<'_>>> = users.iter().map(|user| vec![user.into()]).collect();
        let found = self.query_each(sql, &asked).await?;
        let keys = found
            .iter()
            .map(|rows| rows.first().map(|row| row.get(0)).transpose());
        keys.collect()
    }

    /// What is kept of some users as far as it holds: they were asked for after `after_ts` (ms since the epoch), share a
    /// room with users of `own` ever since, and didn't change.
    pub async fn remote_keys_list_valid(
        &mut self,
        users: &[OwnedUserId],
        own: &ServerName,
        after_ts: i64,
    ) -> Result<Vec<NewRemoteKeys>> {
        let sql = "SELECT r.user_id, r.keys FROM remote_keys r WHERE r.user_id = $1 AND r.fetched_ts > $2 \
                   AND NOT EXISTS (SELECT 1 FROM device_list_changes c WHERE c.user_id = $1 AND c.pos > r.fetched_pos) \
                   AND EXISTS (SELECT 1 FROM memberships m JOIN room_servers s ON s.room_nid = m.room_nid \
                   WHERE m.user_id = $1 AND m.membership = 'join' AND m.since_pos <= r.fetched_pos \
                   AND s.server = $3 AND s.since_pos <= r.fetched_pos)";
        let asked: Vec<Vec<Value<'_>>> = users
            .iter()
            .map(|user| vec![user.into(), after_ts.into(), own.as_str().into()])
            .collect();
        let found = self.query_each(sql, &asked).await?;
        let rows = found.iter().flatten();
        rows.map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Keeps keys that were asked for when the stream was at `pos`, of those users who share a room with users of `own`.
    pub async fn remote_keys_put(
        &mut self,
        keys: &[NewRemoteKeys],
        own: &ServerName,
        (pos, now_ts): (StreamPos, i64),
    ) -> Result<()> {
        let sharing = "SELECT 1 FROM memberships m JOIN room_servers s ON s.room_nid = m.room_nid \
                       WHERE m.user_id = $1 AND m.membership = 'join' AND s.server = $2 LIMIT 1";
        let asked: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|(user, _)| vec![user.into(), own.as_str().into()])
            .collect();
        let found = self.query_each(sharing, &asked).await?;
        let sql = "INSERT INTO remote_keys (user_id, fetched_pos, fetched_ts, keys) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id) DO UPDATE SET fetched_pos = excluded.fetched_pos, \
                   fetched_ts = excluded.fetched_ts, keys = excluded.keys \
                   WHERE remote_keys.fetched_pos <= excluded.fetched_pos";
        let rows: Vec<Vec<Value<'_>>> = keys
            .iter()
            .zip(&found)
            .filter(|(_, sharing)| !sharing.is_empty())
            .map(|((user, keys), _)| params![user, pos, now_ts, keys].to_vec())
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Forgets what was asked for before that time, in ms since the epoch.
    pub async fn remote_keys_delete_old(&mut self, before_ts: i64) -> Result<()> {
        let sql = "DELETE FROM remote_keys WHERE fetched_ts < $1";
        self.put(sql, params![before_ts]).await
    }
}
