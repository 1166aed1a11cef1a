//! `[federation]`: with which other servers this one speaks.

use std::path::PathBuf;

use crate::section::{Check, choice, section};
use crate::sections::server::check_server_name;
use crate::source::Source;

section! {
    /// With which other servers this one speaks. It reaches out to no others.
    pub struct Federation in "federation" {
        /// Which servers are spoken with.
        pub mode: FederationMode = FederationMode::Off;
        /// The names of the servers for `mode = "list"`.
        pub allowed: Vec<String> = Vec::new(), like "[\"amt.example\", \"land.example\"]";
        /// Where the signed roster is for `mode = "roster"`: a file, or an `https://` address from which it is fetched. A
        /// file is what `rohrpost roster publish` writes.
        pub roster: Option<String> = None, like "\"/var/lib/rohrpost/roster.json\"";
        /// The name of the federation that the roster must be of.
        pub roster_id: Option<String> = None, like "\"bund.example\"";
        /// The public keys of those who sign the roster, in Base64. Take them from the signers themselves and not from the
        /// place where the roster lies: everything else follows from them.
        pub roster_signers: Vec<String> = Vec::new(), like "[\"Gk2aJyUQ+XjXEtRNU63bhbOT7NXPA4ha7ylyUEwIGPQ\", \"qfTaH0/NvuFKqsKLsh4qovnm37PjUvVq4kWytPngyWg\", \"wO6/paHSBwACJuC/0WdDzbtM0PVnX4KRsHMV15AdkvM\"]";
        /// How many of them have to have signed it.
        pub roster_threshold: u32 = 2;
        /// How long this server goes on by a roster that has ended and has no successor, in hours. After that it speaks
        /// with no other server.
        pub roster_grace_hours: u64 = 72;
        /// How often it is looked for a new roster, in minutes.
        pub roster_refresh_minutes: u64 = 60;
        /// Files with certificates (PEM) of authorities that are trusted beside those of the operating system when we
        /// reach another server.
        pub extra_ca: Vec<PathBuf> = Vec::new(), like "[\"/etc/rohrpost/tls/government-ca.pem\"]";
        /// Whether other servers may be at private addresses (10.0.0.0/8, 127.0.0.1 ...). Only for networks of
        /// authorities and laboratories: with it, a stranger can make this server knock at doors inside your network.
        pub allow_private_addresses: bool = false;
        /// Servers that are asked for the keys of other servers that don't answer themselves. May be empty.
        pub trusted_key_servers: Vec<String> = Vec::new(), like "[\"land.example\"]";
        /// How long to wait before the first new attempt at a server that did not answer, in milliseconds. Each
        /// further pause is longer.
        pub first_retry_ms: u64 = 5_000;
        /// How long a pause between two attempts gets at most, in milliseconds.
        pub max_retry_ms: u64 = 3_600_000;
        /// How long another server may take for an answer, in milliseconds.
        pub request_timeout_ms: u64 = 30_000;
        /// How many events may wait for a server that didn't answer. If there are more once it answers again, it is told
        /// the newest of each room and asks for the others where it wants them.
        pub catch_up_events: u32 = 500;
    }
}

choice! {
    /// The ways to choose other servers.
    pub enum FederationMode {
        /// None.
        Off = "off",
        /// Those named in `allowed`.
        List = "list",
        /// The members in the signed roster.
        Roster = "roster",
        /// Every server.
        Open = "open",
    }
}

/// Where the roster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterPlace {
    /// In a file of this computer.
    File(PathBuf),
    /// At an `https://` address.
    Url(String),
}

const SECTION: &str = "federation";

impl Federation {
    /// Where the roster is, if that is set.
    #[must_use]
    pub fn roster_place(&self) -> Option<RosterPlace> {
        let place = self.roster.as_ref()?;
        Some(if place.starts_with("https://") {
            RosterPlace::Url(place.clone())
        } else {
            RosterPlace::File(place.into())
        })
    }

    fn check_servers(&self, source: &mut Source) {
        for (key, names) in [
            ("allowed", &self.allowed),
            ("trusted_key_servers", &self.trusted_key_servers),
        ] {
            for name in names {
                if let Err(message) = check_server_name(name) {
                    source.refuse(SECTION, key, &message);
                }
            }
        }
        if self.mode == FederationMode::List && self.allowed.is_empty() {
            source.refuse(
                SECTION,
                "allowed",
                "is empty, so mode = \"list\" means no server at all: name the servers, or say mode = \"off\"",
            );
        }
    }

    fn check_roster(&self, source: &mut Source) {
        if self.mode == FederationMode::Roster {
            let missing = [
                (
                    "roster",
                    self.roster.is_none(),
                    "is not set, and mode = \"roster\" needs it: name the file or the https:// address of the roster",
                ),
                (
                    "roster_id",
                    self.roster_id.is_none(),
                    "is not set, and mode = \"roster\" needs it: the name of the federation, as `rohrpost roster show` \
                     says it",
                ),
                (
                    "roster_signers",
                    self.roster_signers.is_empty(),
                    "is empty, and mode = \"roster\" needs it: ask the signers of your federation for their public keys",
                ),
            ];
            for (key, _, message) in missing.iter().filter(|(_, is_missing, _)| *is_missing) {
                source.refuse(SECTION, key, message);
            }
        }
        let is_other_url = |place: &String| place.contains("://") && !place.starts_with("https://");
        if self.roster.as_ref().is_some_and(is_other_url) {
            source.refuse(SECTION, "roster", "must be a file or begin with https://");
        }
        for (at, key) in self.roster_signers.iter().enumerate() {
            if !is_key(key) {
                let message = format!(
                    "number {} is no public key: 43 letters of Base64, without = at the end",
                    at + 1
                );
                source.refuse(SECTION, "roster_signers", &message);
            }
            if self.roster_signers[..at].contains(key) {
                let message = format!("\"{key}\" stands there twice; each signer counts once");
                source.refuse(SECTION, "roster_signers", &message);
            }
        }
        let signers = self.roster_signers.len();
        let threshold = usize::try_from(self.roster_threshold).unwrap_or(usize::MAX);
        if threshold == 0 || (signers > 0 && threshold > signers) {
            let message = format!("must be at least 1, and at most the number of roster_signers ({signers})");
            source.refuse(SECTION, "roster_threshold", &message);
        }
        if self.roster_grace_hours > 24 * 30 {
            source.refuse(
                SECTION,
                "roster_grace_hours",
                "must be at most 720, 30 days: until then, nobody notices that a member was removed",
            );
        }
        if !(1..=24 * 60).contains(&self.roster_refresh_minutes) {
            source.refuse(
                SECTION,
                "roster_refresh_minutes",
                "must be between 1 and 1440, a day: a member that was removed is spoken with until then",
            );
        }
    }

    fn check_times(&self, source: &mut Source) {
        if self.first_retry_ms == 0 {
            source.refuse(SECTION, "first_retry_ms", "must be at least 1");
        }
        if self.max_retry_ms < self.first_retry_ms || self.max_retry_ms > 7 * 24 * 60 * 60 * 1000 {
            source.refuse(
                SECTION,
                "max_retry_ms",
                "must be at least first_retry_ms and at most 604800000, a week",
            );
        }
        if !(1_000..=300_000).contains(&self.request_timeout_ms) {
            source.refuse(
                SECTION,
                "request_timeout_ms",
                "must be between 1000 and 300000: a second and five minutes",
            );
        }
    }
}

impl Check for Federation {
    fn check(&self, source: &mut Source) {
        self.check_servers(source);
        self.check_roster(source);
        self.check_times(source);
    }
}

/// Whether this has the form of 32 bytes in Base64.
fn is_key(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    text.len() == 43 && text.bytes().all(is_letter)
}
