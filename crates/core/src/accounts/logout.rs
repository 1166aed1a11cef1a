//! Signs out: on this device or on all.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, devices::changed::changed};

struct Unit {
    user_id: OwnedUserId,
    /// `None`: all devices.
    device_id: Option<OwnedDeviceId>,
}

/// Signs out on the caller's device. The device goes, with its keys and the messages to it.
///
/// # Errors
/// Only when the store fails.
pub async fn logout(server: &Arc<Server>, caller: Caller) -> Result<()> {
    server
        .store
        .write(Unit {
            user_id: caller.user_id,
            device_id: Some(caller.device_id),
        })
        .await
}

/// Signs out on all devices of the caller.
///
/// # Errors
/// Only when the store fails.
pub async fn logout_all(server: &Arc<Server>, caller: Caller) -> Result<()> {
    server
        .store
        .write(Unit {
            user_id: caller.user_id,
            device_id: None,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let were_there = match &self.device_id {
            Some(device_id) => tx.device_delete(&self.user_id, device_id).await?,
            None => tx.device_delete_all(&self.user_id, None).await? > 0,
        };
        if were_there {
            changed(tx, &self.user_id).await?;
        }
        Ok(())
    }
}
