//! Connections to elsewhere: push gateways, push services, application services, the mail server, and the pages that
//! people link to.
//!
//! Implements the ports of `rohrpost-core` and decides nothing but whether an address may be connected to. No other
//! crate opens connections. Start reading at [`egress`].

mod addresses;
pub mod egress;
pub mod mail;
