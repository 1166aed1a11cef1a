//! Devices people are signed in on.

use ruma::{DeviceId, OwnedDeviceId, UserId};

use crate::{
    Result, Tx,
    value::{Row, params},
};

const DAY_MS: i64 = 86_400_000;

/// A device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its identifier, unique for the user.
    pub device_id: OwnedDeviceId,
    /// The name its user sees.
    pub display_name: Option<String>,
    /// Day of last use, ms since the epoch.
    pub last_seen_ts: i64,
}

fn device(row: &Row) -> Result<Device> {
    Ok(Device {
        device_id: row.get(0)?,
        display_name: row.get(1)?,
        last_seen_ts: row.get(2)?,
    })
}

impl Tx<'_> {
    /// Makes a device, or keeps the one there is (its name is only set when new). `true`: it is new.
    pub async fn device_insert(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<&str>,
        now_ts: i64,
    ) -> Result<bool> {
        let sql = "INSERT INTO devices (user_id, device_id, display_name, created_ts, last_seen_ts) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, device_id) DO NOTHING";
        let day_ts = now_ts - now_ts % DAY_MS;
        Ok(self
            .execute(sql, params![user_id, device_id, display_name, now_ts, day_ts])
            .await?
            == 1)
    }

    /// One device.
    pub async fn device_get(&mut self, user_id: &UserId, device_id: &DeviceId) -> Result<Option<Device>> {
        let sql =
            "SELECT device_id, display_name, last_seen_ts FROM devices WHERE user_id = $1 AND device_id = $2";
        self.query_opt(sql, params![user_id, device_id])
            .await?
            .as_ref()
            .map(device)
            .transpose()
    }

    /// All devices of a user, oldest first.
    pub async fn device_list(&mut self, user_id: &UserId) -> Result<Vec<Device>> {
        let sql = "SELECT device_id, display_name, last_seen_ts FROM devices WHERE user_id = $1 ORDER BY created_ts, device_id";
        self.query(sql, params![user_id])
            .await?
            .iter()
            .map(device)
            .collect()
    }

    /// Renames a device. `false`: there is no such device.
    pub async fn device_rename(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        name: Option<&str>,
    ) -> Result<bool> {
        let sql = "UPDATE devices SET display_name = $3 WHERE user_id = $1 AND device_id = $2";
        Ok(self.execute(sql, params![user_id, device_id, name]).await? == 1)
    }

    /// Notes that a device was used; only the day is kept.
    pub async fn device_seen(&mut self, user_id: &UserId, device_id: &DeviceId, now_ts: i64) -> Result<()> {
        let day_ts = now_ts - now_ts % DAY_MS;
        let sql = "UPDATE devices SET last_seen_ts = $3 WHERE user_id = $1 AND device_id = $2 AND last_seen_ts < $3";
        self.execute(sql, params![user_id, device_id, day_ts]).await?;
        Ok(())
    }

    /// Removes a device with everything that belongs to it: tokens, keys, messages to it. `false`: there is no
    /// such device.
    pub async fn device_delete(&mut self, user_id: &UserId, device_id: &DeviceId) -> Result<bool> {
        let who: &[_] = params![user_id, device_id];
        let existed = self
            .execute("DELETE FROM devices WHERE user_id = $1 AND device_id = $2", who)
            .await?
            == 1;
        self.execute_all(&[
            ("DELETE FROM tokens WHERE user_id = $1 AND device_id = $2", who),
            (
                "DELETE FROM device_keys WHERE user_id = $1 AND device_id = $2",
                who,
            ),
            (
                "DELETE FROM one_time_keys WHERE user_id = $1 AND device_id = $2",
                who,
            ),
            (
                "DELETE FROM fallback_keys WHERE user_id = $1 AND device_id = $2",
                who,
            ),
            ("DELETE FROM to_device WHERE user_id = $1 AND device_id = $2", who),
            ("DELETE FROM txns WHERE user_id = $1 AND device_id = $2", who),
            ("DELETE FROM pushers WHERE user_id = $1 AND device_id = $2", who),
            (
                "DELETE FROM dehydrated_devices WHERE user_id = $1 AND device_id = $2",
                who,
            ),
            (
                "DELETE FROM key_signatures WHERE target_user = $1 AND target_key = $2",
                who,
            ),
        ])
        .await?;
        Ok(existed)
    }

    /// Removes all devices of a user with everything that belongs to them, except `but`. Answers how many.
    pub async fn device_delete_all(&mut self, user_id: &UserId, but: Option<&DeviceId>) -> Result<u64> {
        // No device has the empty id.
        let but = but.map_or("", DeviceId::as_str);
        let who: &[_] = params![user_id, but];
        let removed = self
            .execute("DELETE FROM devices WHERE user_id = $1 AND device_id <> $2", who)
            .await?;
        self.execute_all(&[
            ("DELETE FROM tokens WHERE user_id = $1 AND device_id <> $2", who),
            (
                "DELETE FROM key_signatures WHERE target_user = $1 AND target_key IN \
                 (SELECT device_id FROM device_keys WHERE user_id = $1 AND device_id <> $2)",
                who,
            ),
            (
                "DELETE FROM device_keys WHERE user_id = $1 AND device_id <> $2",
                who,
            ),
            (
                "DELETE FROM one_time_keys WHERE user_id = $1 AND device_id <> $2",
                who,
            ),
            (
                "DELETE FROM fallback_keys WHERE user_id = $1 AND device_id <> $2",
                who,
            ),
            (
                "DELETE FROM to_device WHERE user_id = $1 AND device_id <> $2",
                who,
            ),
            ("DELETE FROM txns WHERE user_id = $1 AND device_id <> $2", who),
            ("DELETE FROM pushers WHERE user_id = $1 AND device_id <> $2", who),
            (
                "DELETE FROM dehydrated_devices WHERE user_id = $1 AND device_id <> $2",
                who,
            ),
        ])
        .await?;
        Ok(removed)
    }
}
