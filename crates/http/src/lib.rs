//! Sockets to use cases: the client-server API, the web client, the administrators' API.
//!
//! An endpoint is one small file with one handler: it turns a request of `ruma` into one command, calls one use case
//! of `rohrpost-core` and turns the answer back. Status codes are chosen in [`error`] only. This crate decides
//! nothing and keeps nothing.
//!
//! Start reading at [`router`], then [`client`] for the list of endpoints, then any endpoint such as
//! `client/rooms/send.rs`.

mod admin;
mod call;
mod client;
mod cors;
mod error;
mod federation;
mod forwarded;
mod guests;
mod health;
mod listen;
mod media;
mod metrics;
mod rohrpost;
mod router;
mod routes;
mod web;
mod well_known;

pub use self::{
    forwarded::behind_proxies,
    listen::{Listener, Tls, TlsError, serve},
    metrics::{Render, metrics_for_administrators, metrics_router},
    router::router,
    routes::{Access, Route},
};

/// Every route of the router, for the reference in docs/ and for tests.
#[must_use]
pub fn route_table() -> Vec<Route> {
    client::routes().into_table()
}

/// Every route for other servers.
#[must_use]
pub fn federation_route_table() -> Vec<Route> {
    federation::routes().into_table()
}
