//! Devices people are signed in on.

mod delete;
mod delete_many;
mod get;
mod list;
mod update;

use rohrpost_core::devices::list::ListedDevice;
use ruma::api::client::device::Device;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(list::list);
    routes.authed(get::get);
    routes.authed(update::update);
    routes.authed(delete::delete);
    routes.authed(delete_many::delete_many);
}

/// A device as its owner sees it. Addresses are not kept, so none is shown.
fn shown(kept: ListedDevice) -> Device {
    let mut device = Device::new(kept.device_id);
    device.display_name = kept.display_name;
    device.last_seen_ts = kept.last_seen;
    device
}
