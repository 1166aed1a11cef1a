//! One-time keys, each handed out once, and fallback keys for when there are none left.

use std::collections::BTreeMap;

use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::{
    Result, Tx,
    value::{Row, Value, params},
};

/// A one-time or fallback key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeKey {
    /// Such as `signed_curve25519`.
    pub algorithm: String,
    /// Without the algorithm.
    pub key_id: String,
    /// As uploaded: a JSON object or string.
    pub json: String,
}

/// What was uploaded under the id of a one-time key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownOneTimeKey {
    /// As uploaded.
    pub json: String,
    /// It was handed out.
    pub claimed: bool,
}

/// One device and the algorithm that a key is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWanted {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device.
    pub device_id: OwnedDeviceId,
    /// Such as `signed_curve25519`.
    pub algorithm: String,
}

/// How many one-time keys of each algorithm are left.
pub type OneTimeKeyCounts = BTreeMap<String, i64>;

fn wanted_params(wanted: &KeyWanted) -> Vec<Value<'_>> {
    vec![
        (&wanted.user_id).into(),
        (&wanted.device_id).into(),
        (&wanted.algorithm).into(),
    ]
}

fn claimed(row: &Row, wanted: &KeyWanted) -> Result<OneTimeKey> {
    Ok(OneTimeKey {
        algorithm: wanted.algorithm.clone(),
        key_id: row.get(0)?,
        json: row.get(1)?,
    })
}

impl Tx<'_> {
    /// What is known under the ids of these one-time keys, in their order: to tell a repeated upload from another
    /// key of the same id.
    pub async fn one_time_key_known(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        keys: &[OneTimeKey],
    ) -> Result<Vec<Option<KnownOneTimeKey>>> {
        let sql = "SELECT json, claimed FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = $4";
        let asked: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| {
                vec![
                    user_id.into(),
                    device_id.into(),
                    (&key.algorithm).into(),
                    (&key.key_id).into(),
                ]
            })
            .collect();
        let answers = self.query_each(sql, &asked).await?;
        let known = |row: &Row| {
            Ok(KnownOneTimeKey {
                json: row.get(0)?,
                claimed: row.get(1)?,
            })
        };
        answers
            .iter()
            .map(|rows| rows.first().map(known).transpose())
            .collect()
    }

    /// Keeps one-time keys, ready to be handed out, whatever was there under their ids.
    pub async fn one_time_key_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        keys: &[&OneTimeKey],
        now_ts: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, uploaded_ts, claimed, json) \
                   VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (user_id, device_id, algorithm, key_id) DO UPDATE SET \
                   uploaded_ts = excluded.uploaded_ts, claimed = 0, json = excluded.json";
        let rows: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| {
                let (algorithm, key_id, json) =
                    ((&key.algorithm).into(), (&key.key_id).into(), (&key.json).into());
                vec![
                    user_id.into(),
                    device_id.into(),
                    algorithm,
                    key_id,
                    now_ts.into(),
                    json,
                ]
            })
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Forgets keys of a device that were handed out and uploaded before `before_ts`.
    pub async fn one_time_key_forget(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        before_ts: i64,
    ) -> Result<u64> {
        let sql = "DELETE FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND claimed = 1 AND uploaded_ts < $3";
        self.execute(sql, params![user_id, device_id, before_ts]).await
    }

    /// For each wanted key, in their order: the oldest one-time key, which is never handed out again; else the
    /// fallback key, which is marked as used. `None`: the device has neither. No device may stand twice in the
    /// list.
    pub async fn one_time_key_claim(&mut self, wanted: &[KeyWanted]) -> Result<Vec<Option<OneTimeKey>>> {
        let sql = self.choose(
            "UPDATE one_time_keys SET claimed = 1 WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = \
             (SELECT key_id FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND claimed = 0 \
             ORDER BY uploaded_ts, key_id LIMIT 1) RETURNING key_id, json",
            // Whoever claims at the same time takes the next one instead of waiting for this one.
            "UPDATE one_time_keys SET claimed = 1 WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id = \
             (SELECT key_id FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND claimed = 0 \
             ORDER BY uploaded_ts, key_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING key_id, json",
        );
        let fallback = "UPDATE fallback_keys SET used = 1 WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 \
                        RETURNING key_id, json";
        let asked: Vec<Vec<Value<'_>>> = wanted.iter().map(wanted_params).collect();
        let mut found = Vec::with_capacity(wanted.len());
        for (rows, wanted) in self.query_each(sql, &asked).await?.iter().zip(wanted) {
            found.push(rows.first().map(|row| claimed(row, wanted)).transpose()?);
        }
        let missing: Vec<usize> = (0..wanted.len())
            .filter(|index| found[*index].is_none())
            .collect();
        let asked: Vec<Vec<Value<'_>>> = missing
            .iter()
            .map(|index| wanted_params(&wanted[*index]))
            .collect();
        for (rows, index) in self.query_each(fallback, &asked).await?.iter().zip(missing) {
            found[index] = rows.first().map(|row| claimed(row, &wanted[index])).transpose()?;
        }
        Ok(found)
    }

    /// How many one-time keys of each algorithm a device has left.
    pub async fn one_time_key_counts(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<OneTimeKeyCounts> {
        let sql = "SELECT algorithm, COUNT(*) FROM one_time_keys WHERE user_id = $1 AND device_id = $2 AND claimed = 0 \
                   GROUP BY algorithm";
        let rows = self.query(sql, params![user_id, device_id]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Sets the fallback key of an algorithm, unused. The same key again stays as used as it is.
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

    /// How many fallback keys a device has: one for each algorithm.
    pub async fn fallback_key_count(&mut self, user_id: &UserId, device_id: &DeviceId) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM fallback_keys WHERE user_id = $1 AND device_id = $2";
        self.query_one(sql, params![user_id, device_id]).await?.get(0)
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
