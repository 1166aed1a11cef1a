//! What other servers read of rooms, each as far as it may: [`reader`] decides.
//!
//! A server reads a room while one of its users is joined to it, or while everybody may read it; never against the room's
//! access control list. An event is looked up in the room of the request alone: one of another room is not found.

pub(crate) mod auth_chain;
pub mod backfill;
pub mod event;
pub mod event_auth;
pub mod hierarchy;
pub mod missing_events;
pub mod moment;
pub(crate) mod reader;
pub mod state;
mod walk;
