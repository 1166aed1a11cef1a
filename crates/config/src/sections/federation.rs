//! `[federation]`: with which other servers this one speaks.

use std::path::PathBuf;

use crate::section::{Check, choice, section};
use crate::sections::server::check_server_name;
use crate::source::Source;

section! {
    /// With which other servers this one speaks. It reaches out to no others.
    pub struct Federation in "federation" {
        /// Which servers are spoken with.
        pub mode: FederationMode = FederationMode::Roster;
        /// The names of the servers for `mode = "list"`.
        pub allowed: Vec<String> = Vec::new(), like "[\"amt.example\", \"land.example\"]";
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
    }
}

choice! {
    /// The ways to choose other servers.
    pub enum FederationMode {
        /// Those in the signed roster; none while there is no roster.
        Roster = "roster",
        /// Those named in `allowed`.
        List = "list",
        /// Every server.
        Open = "open",
        /// None.
        Off = "off",
    }
}

impl Check for Federation {
    fn check(&self, source: &mut Source) {
        for (key, names) in [
            ("allowed", &self.allowed),
            ("trusted_key_servers", &self.trusted_key_servers),
        ] {
            for name in names {
                if let Err(message) = check_server_name(name) {
                    source.refuse("federation", key, &message);
                }
            }
        }
        if self.mode == FederationMode::List && self.allowed.is_empty() {
            source.refuse(
                "federation",
                "allowed",
                "is empty, so mode = \"list\" means no server at all: name the servers, or say mode = \"off\"",
            );
        }
        if self.first_retry_ms == 0 {
            source.refuse("federation", "first_retry_ms", "must be at least 1");
        }
    }
}
