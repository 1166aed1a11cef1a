//! E-mail addresses of accounts. There are no telephone numbers, and no identity server is told of anybody.

mod add;
mod add_deprecated;
mod delete;
mod list;
mod refused;
mod request_token;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(list::list);
    routes.authed(add::add);
    routes.authed(add_deprecated::add_deprecated);
    routes.authed(delete::delete);
    request_token::routes(routes);
    refused::routes(routes);
}
