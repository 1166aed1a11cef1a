//! Events that are sent later unless somebody stops them: how a call notices that somebody is gone.
//!
//! They are kept in the database and survive a restart. What happens when their time has come is the same as when they
//! were sent then: the rules of the room, its power levels and the encryption policy are asked at that moment. Whoever
//! knows the id of one may restart, cancel or send it, and nothing else.
//!
//! [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

mod deliver;
pub mod list;
pub mod schedule;
pub mod send_due;
pub mod update;

pub use self::schedule::schedule;
pub use rohrpost_store::DelayedEvent;

/// How long it is told what became of one, in ms.
const KEEP_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Of how many it is told, for each user.
const KEEP: u32 = 1000;
