//! What the operator decided, as far as use cases need it. The binary fills this from the configuration.

use std::time::Duration;

use rohrpost_room::Encryption;
use ruma::{OwnedServerName, OwnedUserId, RoomVersionId};

use crate::{
    appservices::Appservices,
    federation::Federation,
    rtc::{livekit::Livekit, turn::Turn},
};

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Whoever has an invitation link.
    Invite,
    /// Whoever has an e-mail address of the organisation.
    Email,
    /// Everybody.
    Open,
    /// Nobody; administrators make accounts.
    Closed,
}

/// How many guests there may be, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Guests {
    /// Most guests at one time.
    pub max: u32,
    /// After so many days without use a guest is removed.
    pub unused_days: u32,
}

/// Cost of hashing passwords.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// A rate: so many per second in the long run, and so many at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Per second.
    pub per_second: f64,
    /// At once.
    pub burst: u32,
}

/// How much one account may have. These hold always; how often something may be done is in [`Settings::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes uploaded within 24 hours; 0: no limit.
    pub daily_upload_bytes: u64,
    /// Addresses whose file is still to come.
    pub pending_uploads: u32,
    /// Delayed events that wait.
    pub delayed_events: u32,
    /// The longest delay.
    pub max_delay: Duration,
    /// Largest piece of account data, in bytes.
    pub account_data_bytes: u32,
    /// Pieces of account data, those about rooms included.
    pub account_data_entries: u32,
    /// Pieces of account data about one room.
    pub account_data_entries_per_room: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            daily_upload_bytes: 5 * 1024 * 1024 * 1024,
            pending_uploads: 100,
            delayed_events: 100,
            max_delay: Duration::from_secs(24 * 60 * 60),
            account_data_bytes: 64 * 1024,
            account_data_entries: 10_000,
            account_data_entries_per_room: 100,
        }
    }
}

/// Who is found in a search for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleSearch {
    /// Everybody who has an account here.
    Everybody,
    /// Only those one is in a room with.
    SharedRooms,
    /// Nobody.
    Nobody,
}

/// How the server speaks to people.
#[derive(Clone, Debug)]
pub struct Notices {
    /// Localpart of the account that notices come from.
    pub localpart: String,
    /// The name that people see.
    pub display_name: String,
    /// The name of the room.
    pub room_name: String,
}

/// Whom to ask for help.
#[derive(Clone, Debug, Default)]
pub struct Support {
    /// A page that helps.
    pub page: Option<String>,
    /// The mail address of the administrators.
    pub admin_email: Option<String>,
    /// The account of an administrator.
    pub admin_user: Option<OwnedUserId>,
    /// The mail address for reports of security problems.
    pub security_email: Option<String>,
    /// The public key of a policy server that runs under this name, in Base64.
    pub policy_server_key: Option<String>,
}

/// How other servers are told things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// The pause after the first attempt that failed; each further one is longer.
    pub first_retry: Duration,
    /// The longest pause.
    pub max_retry: Duration,
    /// How long another server may take for an answer.
    pub patience: Duration,
    /// Of more events than this that wait for a server that didn't answer, it is told the newest of each room only: it asks
    /// for the others where it wants them.
    pub catch_up_events: u32,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            first_retry: Duration::from_secs(5),
            max_retry: Duration::from_secs(60 * 60),
            patience: Duration::from_secs(30),
            catch_up_events: 500,
        }
    }
}

/// What the operator decided.
#[derive(Clone)]
pub struct Settings {
    /// The name that all user ids end in.
    pub server_name: OwnedServerName,
    /// Where people and their programs reach this server, without a slash at the end.
    pub public_url: String,
    /// Who may make an account.
    pub registration: Registration,
    /// Whether people may look around without an account. `None`: they may not.
    pub guests: Option<Guests>,
    /// Whether programs may sign their users in over the pages of this server (OAuth 2.0).
    pub oauth: bool,
    /// Whether programs may ask for passwords themselves, as before OAuth 2.0.
    pub legacy_login: bool,
    /// Whether an access token may stand in the address of a request (`?access_token=`).
    pub query_tokens: bool,
    /// The shared secret for making accounts by program. Never logged.
    pub shared_secret: Option<SharedSecret>,
    /// What is demanded of rooms.
    pub encryption: Encryption,
    /// The version of new rooms.
    pub default_room_version: RoomVersionId,
    /// Shortest password, in characters.
    pub password_min_length: usize,
    /// Cost of hashing passwords.
    pub password_cost: PasswordCost,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Largest picture that is decoded for a thumbnail, in pixels.
    pub thumbnail_max_pixels: u64,
    /// Other servers.
    pub federation: Federation,
    /// How other servers are told things.
    pub outbox: OutboxSettings,
    /// Application services.
    pub appservices: Appservices,
    /// Whether people see who is there.
    pub presence: bool,
    /// The SFU for calls, if there is one.
    pub livekit: Option<Livekit>,
    /// The relay for calls, if there is one.
    pub turn: Option<Turn>,
    /// Where pushes go, and what they tell.
    pub push: crate::push::gateways::PushSettings,
    /// Whether there is a mail server.
    pub email: Option<EmailSettings>,
    /// Who is found in a search for people.
    pub people_search: PeopleSearch,
    /// How the server speaks to people.
    pub notices: Notices,
    /// Whom to ask for help.
    pub support: Support,
    /// Previews of links, if they are made.
    pub url_preview: Option<crate::media::preview::PreviewSettings>,
    /// How much one account may have.
    pub quotas: Quotas,
    /// The limits; `None`: none at all.
    pub limits: Option<crate::limits::Rates>,
}

/// What the operator decided about e-mail.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// The domains whose addresses are good for an account, lower-cased; empty: none.
    pub domains: Vec<String>,
    /// Whether people may be written to about messages they missed.
    pub notices: bool,
}

/// The shared secret for making accounts by program.
#[derive(Clone)]
pub struct SharedSecret(zeroize::Zeroizing<String>);

impl SharedSecret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(zeroize::Zeroizing::new(secret))
    }

    /// The secret itself. Never log it, never put it into an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
