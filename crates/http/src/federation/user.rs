//! Devices and keys of people here, for servers that share a room with them.

mod claim_keys;
mod devices;
mod query_keys;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(devices::devices);
    routes.federation(query_keys::query_keys);
    routes.federation(claim_keys::claim_keys);
}
