//! Use cases about rooms.

pub(crate) mod append;
pub(crate) mod head;
pub mod send;
