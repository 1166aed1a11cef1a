//! `[rtc]`: the SFU for calls.

use crate::secret::Secret;
use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// The server that carries the sound and pictures of calls (LiveKit). Without it there are no calls. Leave its
    /// `room.auto_create` switched on: it makes the room of a call when the first of its members comes.
    pub struct Rtc in "rtc" {
        /// Where clients reach it.
        pub livekit_url: Option<String> = None, like "\"wss://livekit.amt.example\"";
        /// The name of the key that it shares with this server, from its `keys`.
        pub key: Option<String> = None, like "\"rohrpost\"";
        /// The key itself.
        pub secret: Option<Secret> = None, like "\"a long random text from a password generator\"";
    }
}

impl Check for Rtc {
    fn check(&self, source: &mut Source) {
        let Some(url) = &self.livekit_url else {
            if self.key.is_some() || self.secret.is_some() {
                source.refuse(
                    "rtc",
                    "livekit_url",
                    "is not set: say where LiveKit is, or leave out its key",
                );
            }
            return;
        };
        if !url.starts_with("wss://") && !url.starts_with("ws://") {
            source.refuse(
                "rtc",
                "livekit_url",
                "must begin with wss:// (ws:// in laboratories)",
            );
        }
        if self.key.is_none() {
            source.refuse("rtc", "key", "is not set: LiveKit lets nobody in without it");
        }
        match &self.secret {
            None => source.refuse("rtc", "secret", "is not set: LiveKit lets nobody in without it"),
            Some(secret) if secret.expose().chars().count() < 32 => source.refuse(
                "rtc",
                "secret",
                "is too short: whoever guesses it listens in; take 32 random letters or more",
            ),
            Some(_) => {}
        }
    }
}
