//! `[user_directory]`: whom people find by name.

use crate::section::{Check, choice, section};
use crate::source::Source;

section! {
    /// Whom people find when they search for somebody by name.
    pub struct UserDirectory in "user_directory" {
        /// Who is found.
        pub search: PeopleSearch = PeopleSearch::Everybody;
    }
}

choice! {
    /// Who is found in a search for people.
    pub enum PeopleSearch {
        /// Everybody who has an account here: one authority, one directory.
        Everybody = "everybody",
        /// Only those one is in a room with.
        SharedRooms = "shared_rooms",
        /// Nobody.
        Nobody = "nobody",
    }
}

impl Check for UserDirectory {
    fn check(&self, _source: &mut Source) {}
}
