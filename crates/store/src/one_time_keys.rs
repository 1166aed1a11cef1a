//! One-time keys, each handed out once, and fallback keys for when there are none left.

use std::collections::BTreeMap;

use ruma::{DeviceId, UserId};

use crate::{Result, Tx, value::params};

/// A one-time or fallback key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeKey {
    /// Such as `signed_curve25519`.
    pub algorithm: String,
    /// Without the algorithm.
    pub key_id: String,
    /// As uploaded: a JSON object.
    pub json: String,
}

/// How many one-time keys of each algorithm are left.
pub type OneTimeKeyCounts = BTreeMap<String, i64>;

impl Tx<'_> {
    /// Keeps a one-time key. `false`: a key of this id is there already and was left as it is.
    pub async fn one_time_key_insert(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        key: &OneTimeKey,
        place: i64,
    ) -> Result<bool> {
        let sql = "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, place, json) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, device_id, algorithm, key_id) DO NOTHING";
        let touched = self
            .execute(
                sql,
                params![user_id, device_id, &key.algorithm, &key.key_id, place, &key.json],
            )
            .await?;
        Ok(touched == 1)
    }

    /// A one-time key by its id, to see whether a repeated upload is the same.
    pub async fn one_time_key_get(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        algorithm: &str,
        key_id: &str,
    ) -> Result<Option<String>> {
        let sql = "SELECT json FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = $4";
        let row = self
            .query_opt(sql, params![user_id, device_id, algorithm, key_id])
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Takes the oldest one-time key away for good; else the fallback key, which is marked as used. `None`: the
    /// device has neither.
    pub async fn one_time_key_claim(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        algorithm: &str,
    ) -> Result<Option<OneTimeKey>> {
        let sql = self.choose(
            "DELETE FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = \
             (SELECT key_id FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 \
             ORDER BY place, key_id LIMIT 1) RETURNING key_id, json",
            // Whoever claims at the same time takes the next one instead of waiting for this one.
            "DELETE FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = \
             (SELECT key_id FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 \
             ORDER BY place, key_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING key_id, json",
        );
        let fallback = "UPDATE fallback_keys SET used = 1 WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 \
                        RETURNING key_id, json";
        let who = params![user_id, device_id, algorithm];
        let row = match self.query_opt(sql, who).await? {
            Some(row) => Some(row),
            None => self.query_opt(fallback, who).await?,
        };
        let Some(row) = row else { return Ok(None) };
        Ok(Some(OneTimeKey {
            algorithm: algorithm.to_owned(),
            key_id: row.get(0)?,
            json: row.get(1)?,
        }))
    }

    /// How many one-time keys of each algorithm a device has left.
    pub async fn one_time_key_counts(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<OneTimeKeyCounts> {
        let sql = "SELECT algorithm, COUNT(*) FROM one_time_keys WHERE user_id = $1 AND device_id = $2 GROUP BY algorithm";
        let rows = self.query(sql, params![user_id, device_id]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Sets the fallback key of an algorithm, unused.
    pub async fn fallback_key_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        key: &OneTimeKey,
    ) -> Result<()> {
        let sql = "INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, json, used) \
                   VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET \
                   key_id = excluded.key_id, json = excluded.json, \
                   used = CASE WHEN fallback_keys.json = excluded.json THEN fallback_keys.used ELSE 0 END";
        self.execute(
            sql,
            params![user_id, device_id, &key.algorithm, &key.key_id, &key.json],
        )
        .await?;
        Ok(())
    }

    /// Algorithms whose fallback key was not handed out yet.
    pub async fn fallback_key_unused(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<Vec<String>> {
        let sql = "SELECT algorithm FROM fallback_keys WHERE user_id = $1 AND device_id = $2 AND used = 0 ORDER BY algorithm";
        self.query(sql, params![user_id, device_id])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }
}
