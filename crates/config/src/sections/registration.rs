//! `[registration]`: how an account comes to be.

use crate::secret::Secret;
use crate::section::{Check, choice, section};
use crate::source::Source;

section! {
    /// How people get an account. Nobody ever needs a phone number.
    pub struct Registration in "registration" {
        /// Who may make an account for themselves. The command line and the shared secret always can.
        pub mode: RegistrationMode = RegistrationMode::Invite;
        /// Where the mode is "email": the domains whose addresses are good for an account.
        pub email_domains: Vec<String> = Vec::new(), like "[\"behoerde.example\"]";
        /// Lets bridges, bots and tools that know this secret make accounts, also administrators, at
        /// `/_synapse/admin/v1/register`. Not set: that address does not exist.
        pub shared_secret: Option<Secret> = None, like "\"a long random text\"";
        /// Whether people may look around without an account. They get one for the moment, see the rooms that everybody
        /// may read, and may join those that take guests. They are never found in searches for people.
        pub guests: bool = false;
        /// Most guests at one time; whoever comes then is asked to come back later.
        pub max_guests: u32 = 100;
        /// After so many days without use a guest is removed.
        pub guest_unused_days: u32 = 7;
    }
}

choice! {
    /// The ways to an account of one's own.
    pub enum RegistrationMode {
        /// Whoever has an invitation link, made by an administrator or a colleague.
        Invite = "invite",
        /// Whoever can read mail at an address of the authority.
        Email = "email",
        /// Everybody; for test laboratories.
        Open = "open",
        /// Nobody.
        Closed = "closed",
    }
}

impl Check for Registration {
    fn check(&self, source: &mut Source) {
        let too_short = |secret: &Secret| secret.expose().chars().count() < MIN_SECRET_LENGTH;
        if self.shared_secret.as_ref().is_some_and(too_short) {
            source.refuse(
                "registration",
                "shared_secret",
                &format!(
                    "is too short: whoever guesses it makes administrators; take {MIN_SECRET_LENGTH} random \
                     letters or more"
                ),
            );
        }
    }
}

/// A secret below this can be guessed.
const MIN_SECRET_LENGTH: usize = 16;
