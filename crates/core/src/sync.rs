//! What changed for somebody: one engine, from which every shape of sync is made.
//!
//! [`engine`] reads one consistent snapshot up to one position and answers what changed since another. It waits
//! when nothing did. Start reading there; [`room`] builds what is shown of one room.

pub mod engine;
pub mod filter;
mod lists;
mod outside;
mod room;
pub mod sliding;
mod snapshot;
pub mod token;
pub mod unread;

pub(crate) use self::room::receipt_content;
pub use self::{
    engine::{SyncRequest, sync},
    outside::{InvitedRoom, LeftRoom},
    room::{JoinedRoom, StateEvents, Summary, Timeline},
    snapshot::{PlainEvent, SyncAnswer},
};
