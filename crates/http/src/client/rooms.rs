//! Rooms: making them, being in them, reading and writing their events.

mod send;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(send::send);
}
