//! The key by which push services know this server.

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// The secret key, if there is one.
    pub async fn vapid_key_get(&mut self) -> Result<Option<Vec<u8>>> {
        let row = self
            .query_opt("SELECT private_key FROM vapid_keys WHERE id = 1", &[])
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Keeps a key unless there is one.
    pub async fn vapid_key_insert(&mut self, key: &[u8], now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO vapid_keys (id, private_key, created_ts) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
        self.execute(sql, params![key, now_ts]).await?;
        Ok(())
    }
}
