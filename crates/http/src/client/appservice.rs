//! What only application services ask.

mod ping;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(ping::ping);
}
