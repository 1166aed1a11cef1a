//! Messages from device to device.

mod send;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(send::send);
}
