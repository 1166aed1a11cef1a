//! Devices that receive keys while nobody is signed in (MSC3814).

mod delete;
mod events;
mod get;
mod put;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(put::put);
    routes.authed(get::get);
    routes.authed(delete::delete);
    routes.authed(events::events);
    routes.authed(events::events_by_query);
}
