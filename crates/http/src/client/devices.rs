//! Devices people are signed in on.

mod delete;
mod delete_many;
mod get;
mod list;
mod update;

use rohrpost_core::devices::list::ListedDevice;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedDeviceId};
use serde::Serialize;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(list::list);
    routes.authed(get::get);
    routes.authed(update::update);
    routes.authed(delete::delete);
    routes.authed(delete_many::delete_many);
}

/// A device as its owner sees it. Addresses are not kept, so none is shown. `ruma` writes `null` for what there isn't,
/// which strict clients don't take for a text.
#[derive(Serialize)]
pub(crate) struct Device {
    device_id: OwnedDeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ts: Option<MilliSecondsSinceUnixEpoch>,
}

impl From<ListedDevice> for Device {
    fn from(kept: ListedDevice) -> Self {
        Self {
            device_id: kept.device_id,
            display_name: kept.display_name,
            last_seen_ts: kept.last_seen,
        }
    }
}
