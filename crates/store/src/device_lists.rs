//! Whose devices or identity changed, so that others fetch their keys again.

use ruma::{OwnedUserId, UserId};

use crate::{Result, StreamPos, Tx, value::params};

/// Users whose devices changed, as one user sees it.
pub type DeviceListChanges = Vec<OwnedUserId>;

impl Tx<'_> {
    /// Notes that the devices or the identity of a user changed.
    pub async fn device_list_touch(&mut self, user_id: &UserId, pos: StreamPos) -> Result<()> {
        let sql = "INSERT INTO device_list_changes (user_id, pos) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET pos = excluded.pos";
        self.execute(sql, params![user_id, pos]).await?;
        Ok(())
    }

    /// Users whose devices changed after `after` up to and including `upto`, among those who share a room with
    /// `viewer`, and the viewer.
    pub async fn device_list_changed(
        &mut self,
        viewer: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<DeviceListChanges> {
        let sql = "SELECT d.user_id FROM device_list_changes d WHERE d.pos > $2 AND d.pos <= $3 AND (d.user_id = $1 OR EXISTS \
                   (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid WHERE a.user_id = d.user_id \
                   AND a.membership = 'join' AND b.user_id = $1 AND b.membership = 'join'))";
        self.query(sql, params![viewer, after, upto])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }
}
