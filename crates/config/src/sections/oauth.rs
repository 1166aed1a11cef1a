//! `[oauth]`: how programs sign people in.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// How programs sign people in.
    pub struct OAuth in "oauth" {
        /// Whether programs may send people to the sign-in page of this server (OAuth 2.0), where no program sees the password.
        pub enabled: bool = true;
        /// Whether programs may ask for the password themselves, as older programs do. The web client of this server always may.
        pub legacy_login: bool = true;
    }
}

impl Check for OAuth {
    fn check(&self, source: &mut Source) {
        if !self.enabled && !self.legacy_login {
            source.refuse(
                "oauth",
                "legacy_login",
                "can't be off together with enabled: no program could sign anybody in",
            );
        }
    }
}
