//! Finding messages.

mod room_events;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(room_events::search);
}
