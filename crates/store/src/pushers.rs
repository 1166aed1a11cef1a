//! Where devices want to be notified.

use ruma::{DeviceId, UserId};

use crate::{Result, Tx, value::params};

/// A pusher.
#[derive(Clone)]
pub struct PusherRow {
    /// The application.
    pub app_id: String,
    /// Where the push gateway finds the device. Secret.
    pub pushkey: String,
    /// As the client set it: JSON.
    pub json: String,
}

impl Tx<'_> {
    /// Sets a pusher; one with the same application and push key is replaced.
    pub async fn pusher_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        new: &PusherRow,
    ) -> Result<()> {
        let sql = "INSERT INTO pushers (user_id, app_id, pushkey, device_id, json) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, json = excluded.json";
        self.execute(
            sql,
            params![user_id, &new.app_id, &new.pushkey, device_id, &new.json],
        )
        .await?;
        Ok(())
    }

    /// The pushers of a user, in order.
    pub async fn pusher_list(&mut self, user_id: &UserId) -> Result<Vec<PusherRow>> {
        let sql = "SELECT app_id, pushkey, json FROM pushers WHERE user_id = $1 ORDER BY app_id, pushkey LIMIT 1000";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter()
            .map(|row| {
                Ok(PusherRow {
                    app_id: row.get(0)?,
                    pushkey: row.get(1)?,
                    json: row.get(2)?,
                })
            })
            .collect()
    }

    /// Removes a pusher of a user. `false`: there is none.
    pub async fn pusher_delete(&mut self, user_id: &UserId, app_id: &str, pushkey: &str) -> Result<bool> {
        let sql = "DELETE FROM pushers WHERE user_id = $1 AND app_id = $2 AND pushkey = $3";
        Ok(self.execute(sql, params![user_id, app_id, pushkey]).await? == 1)
    }

    /// Removes the pushers that others have with this application and push key: a device that changed hands.
    pub async fn pusher_delete_others(
        &mut self,
        user_id: &UserId,
        app_id: &str,
        pushkey: &str,
    ) -> Result<()> {
        let sql = "DELETE FROM pushers WHERE app_id = $2 AND pushkey = $3 AND user_id <> $1";
        self.execute(sql, params![user_id, app_id, pushkey]).await?;
        Ok(())
    }
}
