//! `[server_notices]`: how the server speaks to people.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// How the server speaks to people: administrators send a notice, and each person gets it in a room of their own.
    pub struct ServerNotices in "server_notices" {
        /// The name of the account that notices come from. It is made with the first notice.
        pub localpart: String = "notices".to_owned();
        /// The name that people see.
        pub display_name: String = "Server notices".to_owned();
        /// The name of the room.
        pub room_name: String = "Server notices".to_owned();
    }
}

impl Check for ServerNotices {
    fn check(&self, source: &mut Source) {
        let is_letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=-/+".contains(&byte);
        if self.localpart.is_empty() || self.localpart.len() > 100 || !self.localpart.bytes().all(is_letter) {
            source.refuse(
                "server_notices",
                "localpart",
                "must be the first part of an account's address: small letters, digits and . _ = - / +",
            );
        }
        for (key, name) in [
            ("display_name", &self.display_name),
            ("room_name", &self.room_name),
        ] {
            if name.trim().is_empty() || name.len() > 255 {
                source.refuse("server_notices", key, "must have 1 to 255 bytes");
            }
        }
    }
}
