//! `[turn]`: the relay for calls of the old kind.

use crate::secret::Secret;
use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// The relay (coturn and the like) for people whose network doesn't let calls through directly. Configure it to refuse
    /// private addresses, or it is a way into your network.
    pub struct Turn in "turn" {
        /// Its addresses. Empty: there is none.
        pub uris: Vec<String> = Vec::new(), like "[\"turns:turn.amt.example?transport=tcp\", \"turn:turn.amt.example?transport=udp\"]";
        /// What relay and server share (`static-auth-secret` of coturn).
        pub secret: Option<Secret> = None, like "\"a long random text from a password generator\"";
        /// How long the credentials that a client gets are good for, in seconds.
        pub lifetime_s: u64 = 86_400;
    }
}

impl Check for Turn {
    fn check(&self, source: &mut Source) {
        let is_turn = |uri: &String| {
            ["turn:", "turns:", "stun:", "stuns:"]
                .iter()
                .any(|kind| uri.starts_with(kind))
        };
        if !self.uris.iter().all(is_turn) {
            source.refuse("turn", "uris", "must begin with turn: or turns:");
        }
        if !self.uris.is_empty()
            && self
                .secret
                .as_ref()
                .is_none_or(|secret| secret.expose().len() < 16)
        {
            source.refuse(
                "turn",
                "secret",
                "must be set, 16 random letters or more: whoever guesses it uses the relay for their own ends",
            );
        }
        if !(60..=604_800).contains(&self.lifetime_s) {
            source.refuse("turn", "lifetime_s", "must be between a minute and a week");
        }
    }
}
