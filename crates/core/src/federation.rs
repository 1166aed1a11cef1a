//! The federation: other servers, and what this one asks and tells them.
//!
//! Whom this server speaks with at all is the operator's decision ([`Partners`]), or that of the signed roster that the
//! operator named ([`roster`]); it is asked before each request that goes out and for each that comes in
//! ([`Server::speaks_with`](crate::Server::speaks_with)). Nothing here opens a connection ([`crate::ports::RemoteServers`] does) and
//! nothing an other server sends is believed before its signature was checked.
//!
//! Start reading at [`authenticate`] for what comes in and at [`ask`] for what goes out.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/>

pub(crate) mod accept;
pub(crate) mod aliases;
pub(crate) mod ask;
pub mod authenticate;
pub mod edus;
pub mod handshakes;
pub mod invited;
pub(crate) mod invites;
pub(crate) mod locks;
pub(crate) mod memberships;
pub(crate) mod missing;
pub mod outbox;
pub mod own_keys;
pub mod partners;
pub(crate) mod profiles;
pub(crate) mod public_rooms;
mod rescinded;
pub mod rooms;
pub mod roster;
pub(crate) mod server_keys;
pub mod transactions;
pub(crate) mod verify;

pub use partners::{Federation, Partners};
