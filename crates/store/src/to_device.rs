//! Messages from device to device, kept until the device has seen them.

use ruma::{DeviceId, OwnedUserId, UserId};

use crate::{
    Result, StreamPos, Tx,
    value::{Row, Value, params},
};

/// A message that waits for a device.
#[derive(Clone, Debug)]
pub struct ToDeviceRow {
    /// Its position.
    pub pos: StreamPos,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Its type.
    pub kind: String,
    /// A JSON object.
    pub content: String,
}

/// A message to one device.
#[derive(Clone, Debug)]
pub struct NewToDevice<'a> {
    /// The receiver.
    pub user_id: &'a UserId,
    /// The receiver's device; `None`: each of them.
    pub device_id: Option<&'a DeviceId>,
    /// Who sends it.
    pub sender: &'a UserId,
    /// Its type.
    pub kind: &'a str,
    /// A JSON object.
    pub content: &'a str,
}

/// A row of position, sender, type and content.
pub(crate) fn message(row: &Row) -> Result<ToDeviceRow> {
    Ok(ToDeviceRow {
        pos: row.get(0)?,
        sender: row.get(1)?,
        kind: row.get(2)?,
        content: row.get(3)?,
    })
}

impl Tx<'_> {
    /// Keeps messages, at most one for each device, at one position. Messages to devices that don't exist are
    /// dropped; of a message to one device and one to all, the device gets the first.
    pub async fn to_device_insert(&mut self, new: &[NewToDevice<'_>], pos: StreamPos) -> Result<()> {
        let one = "INSERT INTO to_device (user_id, device_id, pos, sender, kind, content) \
                   SELECT user_id, device_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT) \
                   FROM devices WHERE user_id = $1 AND device_id = $6 \
                   ON CONFLICT (user_id, device_id, pos) DO NOTHING";
        let all = "INSERT INTO to_device (user_id, device_id, pos, sender, kind, content) \
                   SELECT user_id, device_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT) \
                   FROM devices WHERE user_id = $1 \
                   ON CONFLICT (user_id, device_id, pos) DO NOTHING";
        let (mut to_one, mut to_all): (Vec<Vec<Value<'_>>>, Vec<Vec<Value<'_>>>) = (Vec::new(), Vec::new());
        for new in new {
            let (user, sender) = (new.user_id.into(), new.sender.into());
            let mut row = vec![user, pos.into(), sender, new.kind.into(), new.content.into()];
            match new.device_id {
                Some(device) => {
                    row.push(device.into());
                    to_one.push(row);
                }
                None => to_all.push(row),
            }
        }
        self.execute_each(one, &to_one).await?;
        self.execute_each(all, &to_all).await
    }

    /// Messages for a device up to and including `upto`, oldest first.
    pub async fn to_device_list(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<ToDeviceRow>> {
        let sql = "SELECT pos, sender, kind, content FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3 \
                   ORDER BY pos LIMIT $4";
        let rows = self.query(sql, params![user_id, device_id, upto, limit]).await?;
        rows.iter().map(message).collect()
    }

    /// Whether a device has messages up to and including `upto`.
    pub async fn to_device_any(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        upto: StreamPos,
    ) -> Result<bool> {
        let sql = "SELECT 1 FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3 LIMIT 1";
        Ok(self
            .query_opt(sql, params![user_id, device_id, upto])
            .await?
            .is_some())
    }

    /// Removes what a device has seen.
    pub async fn to_device_delete(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        upto: StreamPos,
    ) -> Result<u64> {
        let sql = "DELETE FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3";
        self.execute(sql, params![user_id, device_id, upto]).await
    }
}
