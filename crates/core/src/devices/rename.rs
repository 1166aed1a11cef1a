//! Names a device.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{
    Caller, Refusal, Result, Server, accounts::sign_in::check_device_name, devices::changed::changed,
};

struct Unit {
    user_id: OwnedUserId,
    device_id: OwnedDeviceId,
    name: Option<String>,
}

/// Names a device of the caller; others who ask for its keys see the name.
///
/// # Errors
/// `NotFound` when they have no such device, `InvalidParam` for a name that is too long.
pub async fn rename(
    server: &Arc<Server>,
    caller: Caller,
    device_id: OwnedDeviceId,
    name: Option<String>,
) -> Result<()> {
    check_device_name(name.as_deref())?;
    server
        .store
        .write(Unit {
            user_id: caller.user_id,
            device_id,
            name,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if !tx
            .device_rename(&self.user_id, &self.device_id, self.name.as_deref())
            .await?
        {
            return Err(Refusal::not_found("device"));
        }
        // Others see the name together with the keys.
        changed(tx, &self.user_id).await
    }
}
