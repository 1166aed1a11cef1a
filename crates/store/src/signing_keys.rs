//! Our own keys for signing events.

use crate::{Result, Tx, value::params};

/// A signing key. The seed is secret.
pub struct SigningKeyRow {
    /// Such as `ed25519:a1b2`.
    pub key_id: String,
    /// 32 bytes.
    pub seed: Vec<u8>,
}

impl Tx<'_> {
    /// The key that signs now, if one was made.
    pub async fn signing_key_current(&mut self) -> Result<Option<SigningKeyRow>> {
        let sql = "SELECT key_id, seed FROM signing_keys WHERE expired_ts IS NULL ORDER BY created_ts DESC, key_id LIMIT 1";
        let Some(row) = self.query_opt(sql, &[]).await? else {
            return Ok(None);
        };
        Ok(Some(SigningKeyRow {
            key_id: row.get(0)?,
            seed: row.get(1)?,
        }))
    }

    /// The keys that signed once and don't any more, with the time of their end in ms; the newest first, at most 100.
    pub async fn signing_key_list_expired(&mut self) -> Result<Vec<(SigningKeyRow, i64)>> {
        let sql = "SELECT key_id, seed, expired_ts FROM signing_keys WHERE expired_ts IS NOT NULL \
                   ORDER BY expired_ts DESC LIMIT 100";
        self.query(sql, &[])
            .await?
            .iter()
            .map(|row| {
                let key = SigningKeyRow {
                    key_id: row.get(0)?,
                    seed: row.get(1)?,
                };
                Ok((key, row.get(2)?))
            })
            .collect()
    }

    /// Keeps a new key.
    pub async fn signing_key_insert(&mut self, key: &SigningKeyRow, created_ts: i64) -> Result<()> {
        let sql = "INSERT INTO signing_keys (key_id, seed, created_ts, expired_ts) VALUES ($1, $2, $3, NULL)";
        self.execute(sql, params![&key.key_id, &key.seed, created_ts])
            .await?;
        Ok(())
    }
}
