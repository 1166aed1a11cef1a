//! Sync: what changed for a device.

mod sliding;
mod v3;

use http::Method;

use crate::routes::{Access, Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.raw(Method::GET, "/_matrix/client/v3/sync", Access::Authed, v3::sync);
    routes.raw(Method::GET, "/_matrix/client/r0/sync", Access::Authed, v3::sync);
    for path in sliding::PATHS {
        routes.raw(Method::POST, path, Access::Authed, sliding::sync);
    }
}
