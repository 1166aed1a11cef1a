//! Reporting rooms, events and people to the administrators.

mod report_event;
mod report_room;
mod report_user;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(report_room::report_room);
    routes.authed(report_event::report_event);
    routes.authed(report_user::report_user);
}
