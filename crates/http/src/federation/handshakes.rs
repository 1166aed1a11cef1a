//! Memberships that users of other servers want in rooms of this server.

mod make_join;
mod make_knock;
mod make_leave;
mod send_join;
mod send_knock;
mod send_leave;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(make_join::make_join);
    routes.federation(make_leave::make_leave);
    routes.federation(make_knock::make_knock);
    send_join::routes(routes);
    send_leave::routes(routes);
    routes.federation(send_knock::send_knock);
}
