//! The client-server API: one folder per part, one file per endpoint.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/>

mod account;
mod appservice;
mod backup;
mod dehydrated_device;
mod delayed_events;
mod devices;
mod directory;
mod discovery;
mod keys;
mod moderation;
mod oauth;
mod personal;
mod profile;
mod push;
mod rendezvous;
mod reports;
mod rooms;
mod rtc;
mod search;
mod session;
mod sync;
mod third_party_networks;
mod thread_subscriptions;
mod to_device;

use http::Method;

use crate::{
    admin, media, rohrpost,
    routes::{Access, Routes},
    well_known,
};

/// Every endpoint.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::default();
    discovery::routes(&mut routes);
    session::routes(&mut routes);
    oauth::routes(&mut routes);
    rendezvous::routes(&mut routes);
    account::routes(&mut routes);
    devices::routes(&mut routes);
    profile::routes(&mut routes);
    rooms::routes(&mut routes);
    delayed_events::routes(&mut routes);
    rtc::routes(&mut routes);
    thread_subscriptions::routes(&mut routes);
    search::routes(&mut routes);
    directory::routes(&mut routes);
    sync::routes(&mut routes);
    keys::routes(&mut routes);
    dehydrated_device::routes(&mut routes);
    to_device::routes(&mut routes);
    backup::routes(&mut routes);
    personal::routes(&mut routes);
    push::routes(&mut routes);
    reports::routes(&mut routes);
    moderation::routes(&mut routes);
    third_party_networks::routes(&mut routes);
    appservice::routes(&mut routes);
    media::routes(&mut routes);
    rohrpost::routes(&mut routes);
    admin::routes(&mut routes);
    routes.raw(
        Method::GET,
        "/.well-known/matrix/client",
        Access::Public,
        well_known::client,
    );
    routes.raw(
        Method::GET,
        "/.well-known/matrix/support",
        Access::Public,
        well_known::support,
    );
    routes.raw(
        Method::GET,
        "/.well-known/matrix/policy_server",
        Access::Public,
        well_known::policy_server,
    );
    routes
}
