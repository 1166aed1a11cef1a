//! Removes devices of the caller.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, accounts::uia::Proof, devices::changed::changed};

/// Most devices that are removed by one request.
const MAX_DEVICES: usize = 1000;

struct Unit {
    user_id: OwnedUserId,
    devices: Vec<OwnedDeviceId>,
    proof: Proof,
}

/// Signs the caller out on these devices and removes them with their keys. Devices that they don't have are
/// passed over, so that a repeated request is answered the same.
///
/// # Errors
/// `InvalidParam` for more than 1000 devices at once.
pub async fn remove(
    server: &Arc<Server>,
    caller: Caller,
    devices: Vec<OwnedDeviceId>,
    proof: Proof,
) -> Result<()> {
    if devices.len() > MAX_DEVICES {
        return Err(Refusal::InvalidParam(format!(
            "please name at most {MAX_DEVICES} devices at once"
        )));
    }
    server
        .store
        .write(Unit {
            user_id: caller.user_id,
            devices,
            proof,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        self.proof.consume(tx).await?;
        let mut were_there = false;
        for device_id in &self.devices {
            were_there |= tx.device_delete(&self.user_id, device_id).await?;
        }
        if were_there {
            changed(tx, &self.user_id).await?;
        }
        Ok(())
    }
}
