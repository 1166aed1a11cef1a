//! What calls need: where the SFU is, tokens for it, credentials for a relay.

mod get_token;
mod transports;
mod turn_server;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(transports::transports);
    routes.authed(get_token::get_token);
    routes.authed(turn_server::turn_server);
}
