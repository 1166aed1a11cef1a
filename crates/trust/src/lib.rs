//! Whom this federation trusts: the signed roster of the servers that belong to it.
//!
//! Everything here is a pure function of its arguments: no clock, no random source, no I/O, no async. The server and the
//! command line use it, and it compiles for the browser, so that a client can verify the same document by itself.
//! Canonical JSON and identifiers are those of `ruma`, signatures those of `ed25519-dalek`.
//!
//! This crate fetches nothing and keeps nothing: documents, the state that is trusted and the time are handed in.
//!
//! Start reading in [`roster`]; how a document becomes one that counts is [`roster::Trusted::verify`].

pub mod key;
pub mod moment;
pub mod roster;
