//! Public keys of other servers.

use ruma::ServerName;

use crate::{
    Result, Tx,
    value::{Row, Value, params},
};

/// A public key of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeyRow {
    /// Such as `ed25519:a1b2`.
    pub key_id: String,
    /// Base64 without padding.
    pub public_key: String,
    /// What the key signed after that isn't good.
    pub valid_until_ts: i64,
}

fn key(row: &Row) -> Result<ServerKeyRow> {
    Ok(ServerKeyRow {
        key_id: row.get(0)?,
        public_key: row.get(1)?,
        valid_until_ts: row.get(2)?,
    })
}

impl Tx<'_> {
    /// The keys of a server that are known, at most 200.
    pub async fn server_key_list(&mut self, server: &ServerName) -> Result<Vec<ServerKeyRow>> {
        let sql = "SELECT key_id, public_key, valid_until_ts FROM server_keys WHERE server_name = $1 \
                   ORDER BY valid_until_ts DESC, key_id LIMIT 200";
        self.query(sql, params![server.as_str()])
            .await?
            .iter()
            .map(key)
            .collect()
    }

    /// Keeps keys of a server. A key that is known is replaced: a server may end one early.
    pub async fn server_key_put(
        &mut self,
        server: &ServerName,
        keys: &[ServerKeyRow],
        fetched_ts: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO server_keys (server_name, key_id, public_key, valid_until_ts, fetched_ts) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server_name, key_id) DO UPDATE SET \
                   public_key = excluded.public_key, valid_until_ts = excluded.valid_until_ts, \
                   fetched_ts = excluded.fetched_ts";
        let params: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| {
                vec![
                    server.as_str().into(),
                    (&key.key_id).into(),
                    (&key.public_key).into(),
                    key.valid_until_ts.into(),
                    fetched_ts.into(),
                ]
            })
            .collect();
        self.execute_each(sql, &params).await
    }
}
