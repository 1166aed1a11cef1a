//! Connections to elsewhere: other servers of the federation, push gateways and services, application services, pages
//! behind links, the signed roster, and the mail server.
//!
//! Implements the ports of `rohrpost-core` and decides nothing but whether an address may be connected to. No other
//! crate opens connections. Start reading at [`egress`], for other servers
//! at [`federation`].

mod addresses;
pub mod egress;
pub mod federation;
pub mod mail;
pub mod roster;
mod tls;
