//! Tells those who share a room with a user that the user's devices or identity changed.

use rohrpost_store::Tx;
use ruma::UserId;

use crate::Result;

/// Notes that the devices or the identity of a local user changed, and wakes everybody who must ask for them again.
pub(crate) async fn device_list_changed(tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
    let mut sharing = tx.membership_local_sharing(user_id).await?;
    sharing.sort_unstable();
    let pos = tx.pos_next().await?;
    tx.device_list_touch(user_id, pos).await?;
    tx.wake(sharing.into());
    tx.wake_user(user_id);
    Ok(())
}
