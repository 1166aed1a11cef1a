//! The server-server API: what other servers ask.
//!
//! Each request is signed by the server that makes it; a handler is given the name that was proven
//! ([`receive`]). A name in a body or a path proves nothing.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/>

mod handshakes;
mod invite;
mod keys;
mod media;
mod openid;
mod public_rooms;
mod query;
mod receive;
mod rooms;
mod send;
mod user;
mod version;
mod well_known;

use crate::routes::Routes;

/// Every endpoint.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::default();
    version::routes(&mut routes);
    keys::routes(&mut routes);
    query::routes(&mut routes);
    public_rooms::routes(&mut routes);
    rooms::routes(&mut routes);
    handshakes::routes(&mut routes);
    send::routes(&mut routes);
    invite::routes(&mut routes);
    user::routes(&mut routes);
    media::routes(&mut routes);
    openid::routes(&mut routes);
    well_known::routes(&mut routes);
    routes
}
