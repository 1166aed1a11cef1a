//! `[limits]`: how often somebody may do something, and how much they may keep.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// How often somebody may do something before they have to wait. Each limit has a pace and a burst: so many at once
    /// while nothing was used, then no faster than the pace. A pace of 0 means no limit of that kind. Behind them stand
    /// the limits of how much one account may have; those hold always.
    pub struct Limits in "limits" {
        /// The switch for all that have a pace. `false` is for test laboratories.
        pub enabled: bool = true;
        /// Attempts to sign in, for each network address.
        pub login_per_address_per_minute: u32 = 30;
        /// How many of them at once.
        pub login_per_address_burst: u32 = 30;
        /// Attempts to sign in, for each account: slows down guessing.
        pub login_per_account_per_minute: u32 = 6;
        /// How many of them at once.
        pub login_per_account_burst: u32 = 10;
        /// New accounts, for each network address.
        pub registration_per_minute: u32 = 6;
        /// How many of them at once.
        pub registration_burst: u32 = 20;
        /// Mail that is asked for, such as to reset a password, for each network address and each e-mail address.
        pub emails_per_minute: u32 = 2;
        /// How many of them at once.
        pub emails_burst: u32 = 10;
        /// Messages and other events sent to rooms, for each person.
        pub messages_per_second: u32 = 10;
        /// How many of them at once.
        pub messages_burst: u32 = 100;
        /// Rooms made, for each person.
        pub room_creation_per_minute: u32 = 6;
        /// How many of them at once.
        pub room_creation_burst: u32 = 20;
        /// Invitations to rooms, for each person who invites.
        pub invites_per_minute: u32 = 30;
        /// How many of them at once.
        pub invites_burst: u32 = 100;
        /// Rooms joined, for each person.
        pub joins_per_minute: u32 = 30;
        /// How many of them at once.
        pub joins_burst: u32 = 50;
        /// Files uploaded, for each person.
        pub uploads_per_minute: u32 = 60;
        /// How many of them at once.
        pub uploads_burst: u32 = 50;
        /// One-time keys taken from others to write to their devices, in requests, for each person.
        pub key_claims_per_second: u32 = 5;
        /// How many of them at once.
        pub key_claims_burst: u32 = 50;
        /// Requests that send messages directly to devices (keys, verification), for each person.
        pub to_device_per_second: u32 = 20;
        /// How many of them at once.
        pub to_device_burst: u32 = 200;
        /// Pages fetched for previews of links (`[url_preview]`), for each person. What was fetched a short while ago doesn't
        /// count.
        pub url_previews_per_minute: u32 = 20;
        /// How many of them at once.
        pub url_previews_burst: u32 = 30;
        /// Requests of other servers, for each server.
        pub federation_per_second: u32 = 100;
        /// How many of them at once.
        pub federation_burst: u32 = 1000;
        /// All requests together, for each person, or for each network address where nobody is signed in.
        pub general_per_second: u32 = 50;
        /// How many of them at once.
        pub general_burst: u32 = 500;
        /// Bytes that a person may upload within 24 hours. 0: no limit.
        pub daily_upload_bytes: u64 = 5 * 1024 * 1024 * 1024;
        /// Addresses that a person may have made for files that are still to come.
        pub pending_uploads: u32 = 100;
        /// Delayed events that a person may have waiting.
        pub delayed_events: u32 = 100;
        /// How far in the future a delayed event may be, in hours.
        pub delayed_events_max_hours: u32 = 24;
        /// The largest piece of account data, what programs keep here for a person, in bytes. The lists of direct rooms and
        /// of ignored people may be eight times as large.
        pub account_data_bytes: u32 = 64 * 1024;
        /// Pieces of account data that a person may have, those about rooms included.
        pub account_data_entries: u32 = 10_000;
        /// Pieces of account data that a person may have about one room.
        pub account_data_entries_per_room: u32 = 100;
    }
}

/// How fast a kind of request may come from one person or address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// So many per second in the long run.
    pub per_second: f64,
    /// So many at once after a pause; at least 1.
    pub burst: u32,
}

/// `None` from any of these means that there is no such limit.
impl Limits {
    /// Sign-in attempts of a network address.
    #[must_use]
    pub fn login_per_address(&self) -> Option<Rate> {
        self.per_minute(self.login_per_address_per_minute, self.login_per_address_burst)
    }

    /// Sign-in attempts at an account.
    #[must_use]
    pub fn login_per_account(&self) -> Option<Rate> {
        self.per_minute(self.login_per_account_per_minute, self.login_per_account_burst)
    }

    /// Registrations from a network address.
    #[must_use]
    pub fn registration(&self) -> Option<Rate> {
        self.per_minute(self.registration_per_minute, self.registration_burst)
    }

    /// Mail asked for from a network address, or to an e-mail address.
    #[must_use]
    pub fn emails(&self) -> Option<Rate> {
        self.per_minute(self.emails_per_minute, self.emails_burst)
    }

    /// Events sent by a user.
    #[must_use]
    pub fn messages(&self) -> Option<Rate> {
        self.per_second(self.messages_per_second, self.messages_burst)
    }

    /// Rooms created by a user.
    #[must_use]
    pub fn room_creation(&self) -> Option<Rate> {
        self.per_minute(self.room_creation_per_minute, self.room_creation_burst)
    }

    /// Invitations sent by a user.
    #[must_use]
    pub fn invites(&self) -> Option<Rate> {
        self.per_minute(self.invites_per_minute, self.invites_burst)
    }

    /// Rooms joined by a user.
    #[must_use]
    pub fn joins(&self) -> Option<Rate> {
        self.per_minute(self.joins_per_minute, self.joins_burst)
    }

    /// Media uploaded by a user.
    #[must_use]
    pub fn uploads(&self) -> Option<Rate> {
        self.per_minute(self.uploads_per_minute, self.uploads_burst)
    }

    /// `/keys/claim` requests of a user.
    #[must_use]
    pub fn key_claims(&self) -> Option<Rate> {
        self.per_second(self.key_claims_per_second, self.key_claims_burst)
    }

    /// `/sendToDevice` requests of a user.
    #[must_use]
    pub fn to_device(&self) -> Option<Rate> {
        self.per_second(self.to_device_per_second, self.to_device_burst)
    }

    /// Pages fetched for a user.
    #[must_use]
    pub fn url_previews(&self) -> Option<Rate> {
        self.per_minute(self.url_previews_per_minute, self.url_previews_burst)
    }

    /// Requests of another server.
    #[must_use]
    pub fn federation(&self) -> Option<Rate> {
        self.per_second(self.federation_per_second, self.federation_burst)
    }

    /// All requests of a user, or of a network address without a user.
    #[must_use]
    pub fn general(&self) -> Option<Rate> {
        self.per_second(self.general_per_second, self.general_burst)
    }

    fn per_minute(&self, pace: u32, burst: u32) -> Option<Rate> {
        self.rate(f64::from(pace) / 60.0, burst)
    }

    fn per_second(&self, pace: u32, burst: u32) -> Option<Rate> {
        self.rate(f64::from(pace), burst)
    }

    fn rate(&self, per_second: f64, burst: u32) -> Option<Rate> {
        (self.enabled && per_second > 0.0).then_some(Rate { per_second, burst })
    }
}

impl Check for Limits {
    fn check(&self, source: &mut Source) {
        let bursts = [
            ("login_per_address_burst", self.login_per_address()),
            ("login_per_account_burst", self.login_per_account()),
            ("registration_burst", self.registration()),
            ("emails_burst", self.emails()),
            ("messages_burst", self.messages()),
            ("room_creation_burst", self.room_creation()),
            ("invites_burst", self.invites()),
            ("joins_burst", self.joins()),
            ("uploads_burst", self.uploads()),
            ("key_claims_burst", self.key_claims()),
            ("to_device_burst", self.to_device()),
            ("url_previews_burst", self.url_previews()),
            ("federation_burst", self.federation()),
            ("general_burst", self.general()),
        ];
        for (key, rate) in bursts {
            if rate.is_some_and(|rate| rate.burst == 0) {
                source.refuse(
                    "limits",
                    key,
                    "must be at least 1, or nothing would ever be let through",
                );
            }
        }
        if !(1..=MAX_DELAY_HOURS).contains(&self.delayed_events_max_hours) {
            let message = format!("must be between 1 and {MAX_DELAY_HOURS}, a year");
            source.refuse("limits", "delayed_events_max_hours", &message);
        }
        if !(MIN_ACCOUNT_DATA_BYTES..=MAX_ACCOUNT_DATA_BYTES).contains(&self.account_data_bytes) {
            let message = format!(
                "must be between {MIN_ACCOUNT_DATA_BYTES}, or programs can't keep what they need, and \
                 {MAX_ACCOUNT_DATA_BYTES}: each piece is sent in one answer"
            );
            source.refuse("limits", "account_data_bytes", &message);
        }
    }
}

/// A year.
const MAX_DELAY_HOURS: u32 = 366 * 24;
const MIN_ACCOUNT_DATA_BYTES: u32 = 4096;
/// Eight times as much is still below the largest body.
const MAX_ACCOUNT_DATA_BYTES: u32 = 512 * 1024;
