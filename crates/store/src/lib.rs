//! Everything that is kept: one SQL text on two engines, SQLite and PostgreSQL.
//!
//! A use case of `rohrpost-core` is a [`Work`], a unit of work that runs inside one transaction. Its body calls
//! the resource methods of [`Tx`] (`tx.event_insert`, `tx.device_upsert`, ...), one file per resource, and is the
//! same on both engines. SQL stands in this crate only; the differences between the engines stand in [`engine`]
//! only.
//!
//! This crate decides nothing: what may happen in a room is `rohrpost-room`'s, what an answer looks like is
//! `rohrpost-http`'s.
//!
//! Start reading at [`Store`], then [`Tx`], then any resource file such as `events.rs`.

mod engine;
mod error;
mod migrate;
mod tx;
mod value;
mod work;

mod account_data;
mod appservices;
mod backup;
mod blobs;
mod cross_signing;
mod dehydrated_devices;
mod delayed_events;
mod destinations;
mod device_keys;
mod device_lists;
mod devices;
mod directory;
mod edu_messages;
mod email_sessions;
mod erased_users;
mod events;
mod filters;
mod graph;
mod guests;
mod invitations;
mod mails;
mod media;
mod media_pending;
mod memberships;
mod notified;
mod oauth_clients;
mod oauth_codes;
mod oauth_pages;
mod one_time_keys;
mod outbox;
mod profiles;
mod pushers;
mod receipts;
mod received_txns;
mod relations;
mod remote_keys;
mod remote_media;
mod reports;
mod room_lists;
mod room_news;
mod room_servers;
mod rooms;
mod rosters;
mod search;
mod server_keys;
mod server_rooms;
mod short_tokens;
mod signing_keys;
mod state;
mod sticky_events;
mod stream;
mod stripped_states;
mod third_party_ids;
mod thread_subscriptions;
mod threads;
mod to_device;
mod tokens;
mod txns;
mod typing;
mod uia;
mod url_previews;
mod users;
mod vapid_keys;
mod walks;

pub use self::{
    account_data::{AccountData, GLOBAL},
    appservices::AppserviceProgress,
    backup::{BackupKey, BackupKeyQuality, BackupVersion},
    blobs::{Blobs, PendingBlob},
    cross_signing::{CrossSigningKey, KeySignature, KeyUsage},
    delayed_events::DelayedEvent,
    destinations::{Attempt, Destination, OutboxFigures},
    device_keys::DeviceKeys,
    device_lists::DeviceListChanges,
    devices::Device,
    directory::{AliasRow, Listing},
    email_sessions::{EmailPurpose, EmailSession},
    engine::{Store, peek},
    error::StoreError,
    events::{EventRow, EventStatus, NewEventRow, TxnRef},
    graph::Settled,
    invitations::Invitation,
    mails::MailRow,
    media::{MediaRow, ThumbnailKey, ThumbnailRow},
    media_pending::PendingMedia,
    memberships::{MemberRow, NewMembership},
    migrate::{SCHEMA_VERSION, schema_version},
    notified::{NotifiedRow, PushRecipient, ReadUpto},
    oauth_clients::{OAuthClient, OAuthGrant},
    oauth_codes::{OAuthCode, OAuthDeviceCode, OAuthDeviceState},
    oauth_pages::OAuthPageSession,
    one_time_keys::{KeyWanted, KnownOneTimeKey, OneTimeKey, OneTimeKeyCounts},
    outbox::{NewOutboxEdu, NewOutboxEvent, OutboxEdu, OutboxEvent, StreamedEvent},
    profiles::{FullProfileRow, Profile},
    pushers::{DuePusher, PusherProgress, PusherRow},
    receipts::ReceiptRow,
    relations::{NewRelation, Related, RelationQuery, ThreadPart},
    remote_keys::NewRemoteKeys,
    remote_media::RemoteMediaRow,
    reports::ReportRow,
    room_lists::ListedRoom,
    room_news::RoomNews,
    room_servers::RoomServer,
    rooms::{NewRoom, RoomRow},
    rosters::RosterRow,
    server_keys::ServerKeyRow,
    short_tokens::ShortTokenKind,
    signing_keys::SigningKeyRow,
    state::{StateChange, StateEntry, StateNid, StatePair},
    stripped_states::StrippedState,
    third_party_ids::ThirdPartyIdRow,
    thread_subscriptions::{ListedThread, ThreadSubscription},
    to_device::{NewToDevice, ToDeviceRow},
    tokens::{CallerRow, TokenKind, TokenRow},
    tx::Tx,
    uia::UiaSession,
    users::{Restrictions, UserRow, UserState},
    work::{Acknowledge, AfterCommit, Committed, Completion, Reading, Wakes, Work},
};

#[cfg(feature = "scratch")]
pub use self::engine::{create_database, drop_database};

use serde::{Deserialize, Serialize};

/// A position in the one stream of everything a sync can see.
///
/// Positions grow by one for each change and are committed in order: whoever reads position `n` has seen all
/// changes up to `n`. Events that were fetched from before our time carry negative positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamPos(pub i64);

/// The number a room is stored under. Only meaningful inside one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomNid(pub i64);

/// The number an event is stored under. Only meaningful together with its room, inside one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventNid(pub i64);

/// The result of a store method.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
