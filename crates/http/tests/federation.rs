//! The server-server API between servers of our own, over real sockets with TLS.

#[path = "federation/keys.rs"]
mod keys;
#[path = "federation/query.rs"]
mod query;
#[path = "federation/requests.rs"]
mod requests;
