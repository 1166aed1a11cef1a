//! What this server can do.

mod capabilities;
mod versions;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(versions::versions);
    routes.authed(capabilities::capabilities);
}
