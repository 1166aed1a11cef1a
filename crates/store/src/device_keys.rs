//! Identity keys of devices.

use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::{
    Result, Tx,
    value::{Row, Value, params},
};

/// The keys of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// The device.
    pub device_id: OwnedDeviceId,
    /// A JSON object, signed by the device itself.
    pub json: String,
    /// The name its user gave it.
    pub display_name: Option<String>,
}

fn keys(row: &Row) -> Result<DeviceKeys> {
    Ok(DeviceKeys {
        device_id: row.get(0)?,
        json: row.get(1)?,
        display_name: row.get(2)?,
    })
}

const LIST: &str = "SELECT k.device_id, k.json, d.display_name FROM device_keys k \
                    JOIN devices d ON d.user_id = k.user_id AND d.device_id = k.device_id \
                    WHERE k.user_id = $1 ORDER BY k.device_id";

impl Tx<'_> {
    /// Keeps a device from being removed, and others from changing its keys, until the commit. `false`: there is
    /// no such device.
    pub async fn device_lock(&mut self, user_id: &UserId, device_id: &DeviceId) -> Result<bool> {
        let sql = self.choose(
            "SELECT 1 FROM devices WHERE user_id = $1 AND device_id = $2",
            "SELECT 1 FROM devices WHERE user_id = $1 AND device_id = $2 FOR UPDATE",
        );
        Ok(self.query_opt(sql, params![user_id, device_id]).await?.is_some())
    }

    /// Sets the keys of a device. `false`: they are the same as before.
    pub async fn device_keys_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        json: &str,
    ) -> Result<bool> {
        let sql = "INSERT INTO device_keys (user_id, device_id, json) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, device_id) DO UPDATE SET json = excluded.json WHERE device_keys.json <> excluded.json";
        Ok(self.execute(sql, params![user_id, device_id, json]).await? == 1)
    }

    /// The keys of one device.
    pub async fn device_keys_get(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<Option<String>> {
        let sql = "SELECT json FROM device_keys WHERE user_id = $1 AND device_id = $2";
        self.query_opt(sql, params![user_id, device_id])
            .await?
            .map(|row| row.get(0))
            .transpose()
    }

    /// The keys of all devices of a user.
    pub async fn device_keys_list(&mut self, user_id: &UserId) -> Result<Vec<DeviceKeys>> {
        self.query(LIST, params![user_id])
            .await?
            .iter()
            .map(keys)
            .collect()
    }

    /// The keys of all devices of each of these users, in the order of the users.
    pub async fn device_keys_list_each(&mut self, users: &[OwnedUserId]) -> Result<Vec<Vec<DeviceKeys>>> {
        let asked: Vec<Vec<Value<'_>>> = users.iter().map(|user| vec![user.into()]).collect();
        let answers = self.query_each(LIST, &asked).await?;
        answers
            .iter()
            .map(|rows| rows.iter().map(keys).collect())
            .collect()
    }
}
