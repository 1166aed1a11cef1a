//! What follows when somebody's devices change.

use rohrpost_store::Tx;
use ruma::UserId;

use crate::Result;

/// Tells everybody who encrypts to a user that their devices changed, and wakes the user's own requests, so that
/// those of a device that is gone end. Takes a position: call it late in the unit.
pub(crate) async fn changed(tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
    let mut concerned = tx.membership_local_sharing(user_id).await?;
    concerned.push(user_id.to_owned());
    // The notifier wants them in order, and the order of a database is not always ours.
    concerned.sort_unstable();
    concerned.dedup();
    let pos = tx.pos_next().await?;
    tx.device_list_touch(user_id, pos).await?;
    tx.wake(concerned.into());
    Ok(())
}
