//! What changed for somebody: one engine, from which every shape of sync is made.

pub(crate) mod unread;
