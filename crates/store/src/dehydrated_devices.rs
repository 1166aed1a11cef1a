//! The devices that receive keys while nobody is signed in.

use ruma::{DeviceId, OwnedDeviceId, UserId};

use crate::{Result, StreamPos, ToDeviceRow, Tx, value::params};

impl Tx<'_> {
    /// Makes a device the user's dehydrated one, in place of the one before.
    pub async fn dehydrated_device_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        data: &str,
    ) -> Result<()> {
        let sql = "INSERT INTO dehydrated_devices (user_id, device_id, data) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id) DO UPDATE SET device_id = excluded.device_id, data = excluded.data";
        self.put(sql, params![user_id, device_id, data]).await
    }

    /// The user's dehydrated device, and what makes it live.
    pub async fn dehydrated_device_get(
        &mut self,
        user_id: &UserId,
    ) -> Result<Option<(OwnedDeviceId, String)>> {
        let sql = "SELECT device_id, data FROM dehydrated_devices WHERE user_id = $1";
        let row = self.query_opt(sql, params![user_id]).await?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    }

    /// Messages for a device behind `after`, oldest first.
    pub async fn to_device_list_after(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        after: StreamPos,
        limit: u32,
    ) -> Result<Vec<ToDeviceRow>> {
        let sql = "SELECT pos, sender, kind, content FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos > $3 \
                   ORDER BY pos LIMIT $4";
        let rows = self.query(sql, params![user_id, device_id, after, limit]).await?;
        rows.iter().map(crate::to_device::message).collect()
    }
}
