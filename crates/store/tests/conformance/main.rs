//! One suite over both engines: what the documentation of each store method says, on SQLite and on PostgreSQL.
//!
//! Each test runs on SQLite in a temporary file, and on PostgreSQL in a database of its own when
//! `ROHRPOST_TEST_POSTGRES` names a server (`postgres://user@127.0.0.1:PORT/postgres`) whose user may create
//! databases. Start reading at `support.rs`, then any resource.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod account_data;
mod accounts;
mod acknowledge;
mod appservices;
mod backup;
mod backup_size;
mod closing;
mod cross_signing;
mod delayed_events;
mod device_keys;
mod device_lists;
mod devices;
mod directory;
mod email;
mod events;
mod graph;
mod guests;
mod invitations;
mod lifecycle;
mod media;
mod media_pending;
mod memberships;
mod migrations;
mod notified;
mod oauth;
mod one_time_keys;
mod outbox;
mod people;
mod positions;
mod postgres_trouble;
mod profiles;
mod pushers;
mod receipts;
mod refresh_tokens;
mod relations;
mod remote_keys;
mod remote_media;
mod room_lists;
mod room_servers;
mod rooms;
mod rosters;
mod search;
mod server_rooms;
mod snapshots;
mod sqlite_trouble;
mod state;
mod state_model;
mod thread_subscriptions;
mod tls;
mod to_device;
mod tokens;
mod txns;
mod typing;
mod uia;
mod units;
mod url_previews;
mod vanishing;
mod wakes;
