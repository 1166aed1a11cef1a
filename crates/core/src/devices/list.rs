//! The devices somebody is signed in on.

use std::sync::Arc;

use rohrpost_store::Device;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedDeviceId, UInt};

use crate::{Caller, Refusal, Result, Server};

/// A device, as its owner sees it.
#[derive(Clone, Debug)]
pub struct ListedDevice {
    /// Its identifier.
    pub device_id: OwnedDeviceId,
    /// Its name.
    pub display_name: Option<String>,
    /// The day it was last used on.
    pub last_seen: Option<MilliSecondsSinceUnixEpoch>,
}

impl From<Device> for ListedDevice {
    fn from(device: Device) -> Self {
        let last_seen = UInt::try_from(device.last_seen_ts)
            .ok()
            .map(MilliSecondsSinceUnixEpoch);
        Self {
            device_id: device.device_id,
            display_name: device.display_name,
            last_seen,
        }
    }
}

/// All devices of the caller, oldest first.
///
/// # Errors
/// Only when the store fails.
pub async fn list(server: &Arc<Server>, caller: Caller) -> Result<Vec<ListedDevice>> {
    let read = server
        .store
        .read(move |tx| Box::pin(async move { tx.device_list(&caller.user_id).await }));
    Ok(read.await?.into_iter().map(Into::into).collect())
}

/// One device of the caller.
///
/// # Errors
/// `NotFound` when they have no such device.
pub async fn get(server: &Arc<Server>, caller: Caller, device_id: OwnedDeviceId) -> Result<ListedDevice> {
    let read = server
        .store
        .read(move |tx| Box::pin(async move { tx.device_get(&caller.user_id, &device_id).await }));
    read.await?
        .map(Into::into)
        .ok_or_else(|| Refusal::not_found("device"))
}
