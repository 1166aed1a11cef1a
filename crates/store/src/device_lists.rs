//! Whose devices or identity changed, so that others fetch their keys again.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, StreamPos, Tx,
    value::{Value, params},
};

/// Users whose devices changed or who went out of sight, as one user sees it.
pub type DeviceListChanges = Vec<OwnedUserId>;

impl Tx<'_> {
    /// Notes that the devices or the identity of a user changed.
    pub async fn device_list_touch(&mut self, user_id: &UserId, pos: StreamPos) -> Result<()> {
        let sql = "INSERT INTO device_list_changes (user_id, pos) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET pos = excluded.pos";
        self.put(sql, params![user_id, pos]).await
    }

    /// Users whose devices or identity changed for `viewer` after `after` up to and including `upto`, each once,
    /// among the viewer and those who share a room with the viewer; and those whose identity the viewer signed.
    /// Who only came to share a room isn't among them: [`Tx::device_list_joined`].
    pub async fn device_list_changed(
        &mut self,
        viewer: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<DeviceListChanges> {
        let sql = "SELECT d.user_id FROM device_list_changes d WHERE d.pos > $2 AND d.pos <= $3 AND (d.user_id = $1 OR EXISTS \
                   (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid WHERE a.user_id = d.user_id \
                   AND a.membership = 'join' AND b.user_id = $1 AND b.membership = 'join')) \
                   UNION SELECT s.user_id FROM signed_user_changes s WHERE s.signer_user = $1 AND s.pos > $2 AND s.pos <= $3";
        self.users(sql, params![viewer, after, upto]).await
    }

    /// Users who share a room with `viewer` because one of the two joined it after `after` up to and including
    /// `upto`, each once. Looks at all members of all rooms of the viewer: for rare questions.
    pub async fn device_list_joined(
        &mut self,
        viewer: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<DeviceListChanges> {
        let sql = "SELECT DISTINCT o.user_id FROM memberships v JOIN memberships o ON o.room_nid = v.room_nid \
                   WHERE v.user_id = $1 AND v.membership = 'join' AND o.membership = 'join' AND o.user_id <> $1 \
                   AND (v.since_pos > $2 AND v.since_pos <= $3 OR o.since_pos > $2 AND o.since_pos <= $3)";
        self.users(sql, params![viewer, after, upto]).await
    }

    /// Users with whom `viewer` shares no room any more because one of the two left after `after` up to and
    /// including `upto`, each once. Some of them may never have been joined. As costly as
    /// [`Tx::device_list_joined`].
    pub async fn device_list_left(
        &mut self,
        viewer: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<DeviceListChanges> {
        let sql = "SELECT DISTINCT o.user_id FROM memberships v JOIN memberships o ON o.room_nid = v.room_nid \
                   WHERE v.user_id = $1 AND v.membership IN ('join', 'leave', 'ban') \
                   AND o.membership IN ('join', 'leave', 'ban') AND o.user_id <> $1 \
                   AND (v.membership <> 'join' AND v.since_pos > $2 AND v.since_pos <= $3 AND (o.membership = 'join' OR o.since_pos > $2) \
                   OR o.membership <> 'join' AND o.since_pos > $2 AND o.since_pos <= $3 AND (v.membership = 'join' OR v.since_pos > $2)) \
                   AND NOT EXISTS (SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid \
                   WHERE a.user_id = o.user_id AND a.membership = 'join' AND b.user_id = $1 AND b.membership = 'join')";
        self.users(sql, params![viewer, after, upto]).await
    }

    async fn users(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<DeviceListChanges> {
        let rows = self.query(sql, values).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
