//! `[rooms]`: how rooms are made.

use crate::section::{Check, choice, section};
use crate::source::Source;

section! {
    /// How rooms are made.
    pub struct Rooms in "rooms" {
        /// The room version of new rooms.
        pub default_version: DefaultRoomVersion = DefaultRoomVersion::V12;
    }
}

choice! {
    /// A room version in which rooms can be made.
    pub enum DefaultRoomVersion {
        /// For laboratories.
        V10 = "10",
        /// For servers that don't know version 12.
        V11 = "11",
        /// What new rooms should have.
        V12 = "12",
    }
}

impl Check for Rooms {
    fn check(&self, _source: &mut Source) {}
}
