//! What may happen in a Matrix room: builds, hashes, signs, authorizes and redacts events, resolves forked
//! state, and decides who may do and see what.
//!
//! Everything here is a pure function of its arguments. There is no clock, no random source, no I/O and no
//! async: times, nonces, keys and state are handed in, so that every decision can be run again in a test.
//! Identifiers, canonical JSON, hashes, signatures, authorization rules, state resolution, power levels and
//! push rules are those of `ruma`; this crate gives them the shape the server works with and adds what is
//! missing.
//!
//! This crate does not keep rooms, doesn't know transactions or HTTP, and never decides an errcode.
//!
//! Start reading in [`mod@build`], where an event of our own users comes into being, in [`mod@receive`], where those of
//! other servers are judged, and in [`mod@pdu`], the type that everything else passes around.

pub mod build;
pub mod client_event;
pub mod create;
pub mod handshake;
pub mod input;
mod join_rule;
pub mod keys;
pub mod pdu;
pub mod policy;
pub mod power;
pub mod push;
pub mod receive;
pub mod redact;
pub mod resolve;
pub mod server_acl;
pub mod version;
pub mod visibility;

#[cfg(test)]
mod test_room;

pub use build::{AuthState, BuildError, NewEvent, Place, auth_types, build, build_sticky};
pub use client_event::{Shape, Unsigned, client_event, stripped};
pub use create::{CreateError, CreateRoom, NewEventTemplate, Person, Preset, create_room};
pub use input::{InputError, canonical_object, check_json};
pub use pdu::{MAX_STICKY_MS, Pdu, PduError};
pub use policy::{Encryption, PolicyRefusal, RoomEncryption, check_redaction, check_send};
pub use power::{Power, PowerError};
pub use push::{Outcome, PushEvent};
pub use redact::{RedactError, may_redact, redact};
pub use resolve::{ResolveError, StateMap, resolve};
pub use server_acl::ServerAcl;
pub use version::{SUPPORTED, is_supported, rules};
pub use visibility::{AtEvent, ServerAtEvent, may_see, may_server_see};
