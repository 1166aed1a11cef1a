//! `[presence]`: who is there.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Whether people see who of those they share a room with is there.
    pub struct Presence in "presence" {
        /// Shows it. Ask your staff council before you switch it on: it says who is at work when.
        pub enabled: bool = false;
    }
}

impl Check for Presence {
    fn check(&self, _source: &mut Source) {}
}
