//! What the server does: one use case per file.
//!
//! A use case is a function of a [`Server`] and a command; what it writes is one unit of work
//! ([`rohrpost_store::Work`]) and so one transaction. What may happen in a room is asked of `rohrpost-room`, what is
//! kept goes to `rohrpost-store`. This crate knows no HTTP, no SQL and no sockets; time and randomness come through
//! [`ports`].
//!
//! Start reading at [`rooms::send`], the path of one message; then [`sync`], the path to those who read it.

pub mod accounts;
pub mod appservices;
pub mod caller;
pub mod delayed_events;
pub mod devices;
pub mod directory;
pub mod email;
pub mod encryption;
pub mod federation;
pub mod limits;
pub mod media;
pub mod notices;
mod notify;
pub mod oauth;
pub mod personal;
pub mod ports;
pub mod push;
mod random;
pub mod refusal;
pub mod rendezvous;
pub mod reports;
pub mod rooms;
pub mod rtc;
pub mod search;
mod server;
pub mod settings;
pub mod shared_secret;
pub mod sync;
pub mod upkeep;

pub use caller::Caller;
pub use refusal::{Refusal, Result};
/// What somebody wants to do with an e-mail address.
pub use rohrpost_store::EmailPurpose;
pub use server::{Server, StoreSettings};
