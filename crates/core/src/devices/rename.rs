//! Names a device.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{
    Caller, Refusal, Result, Server,
    accounts::sign_in::{check_device_id, check_device_name},
    devices::changed::changed,
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

/// Makes a device of a user of an application service, which needs no token of its own; one that is there is named, if
/// there is a name.
///
/// # Errors
/// `InvalidParam` for an id or a name that can't be.
///
/// # Spec
/// [Creating devices](https://spec.matrix.org/v1.19/application-service-api/#creating-devices)
pub async fn make(
    server: &Arc<Server>,
    caller: Caller,
    device_id: OwnedDeviceId,
    name: Option<String>,
) -> Result<()> {
    check_device_name(name.as_deref())?;
    let unit = Make {
        unit: Unit {
            user_id: caller.user_id,
            device_id: check_device_id(device_id)?,
            name,
        },
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await
}

struct Make {
    unit: Unit,
    now_ts: i64,
}

impl Work for Make {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Unit {
            user_id,
            device_id,
            name,
        } = &self.unit;
        let is_new = tx
            .device_insert(user_id, device_id, name.as_deref(), self.now_ts)
            .await?;
        match is_new || name.is_none() {
            true => Ok(()),
            false => self.unit.run(tx).await,
        }
    }
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
