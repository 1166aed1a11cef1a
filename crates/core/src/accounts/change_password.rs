//! Changes a password.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::OwnedDeviceId;

use crate::{
    Caller, Refusal, Result, Server,
    accounts::{
        password::{self, Password},
        uia::Proof,
    },
    devices::changed::changed,
};

/// What becomes of the other devices of somebody who has a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherDevices {
    /// They are signed out and removed.
    SignOut,
    /// They stay.
    Keep,
}

struct Unit {
    caller: Caller,
    hash: String,
    others: OtherDevices,
    proof: Proof,
}

/// Changes the caller's password.
///
/// # Errors
/// `WeakPassword`.
pub async fn change_password(
    server: &Arc<Server>,
    caller: Caller,
    new: &Password,
    others: OtherDevices,
    proof: Proof,
) -> Result<()> {
    new.check(&server.settings)?;
    let hash = password::hash(server, new).await?;
    server
        .store
        .write(Unit {
            caller,
            hash,
            others,
            proof,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        self.proof.consume(tx).await?;
        // Whoever signs in with the old password at this moment comes before or fails.
        tx.user_lock(user_id).await?;
        tx.user_set_password(user_id, Some(&self.hash)).await?;
        if self.others == OtherDevices::SignOut {
            let device_id: &OwnedDeviceId = device_id;
            if tx.device_delete_all(user_id, Some(device_id)).await? > 0 {
                changed(tx, user_id).await?;
            }
        }
        Ok(())
    }
}
