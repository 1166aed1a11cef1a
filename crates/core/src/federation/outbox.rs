//! Tells other servers what happens here.
//!
//! A use case that changes something does nothing for other servers. [`fan_out`] follows the stream behind the commits,
//! finds out who is to be told, and writes that down together with its new position; [`deliver`] takes it from there,
//! server by server, and removes what was taken. So nothing is lost whenever this server stops, and whoever sends a message
//! waits for no other server. What passes anyway (typing, receipts, presence) is kept in memory ([`ephemeral`]).
//!
//! Another server may get the same twice, when its answer didn't arrive; it knows events by their ids and messages between
//! devices by theirs. When everything runs, and how much of it at once, says `rohrpost-worker`.
//!
//! Start reading at [`fan_out::walk`].
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#transactions>

pub mod deliver;
mod device_lists;
pub(crate) mod ephemeral;
pub mod fan_out;
mod pause;
mod take;
pub(crate) mod to_device;
mod transaction;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rohrpost_store::{RoomNid, StreamPos, Tx, Work};
use ruma::{OwnedServerName, OwnedUserId, ServerName};
use tokio::sync::Notify;

use crate::{Refusal, Result, Server};

pub use self::take::{Taken, release, take, waiting_in_memory};
/// The name of another server.
pub use ruma::OwnedServerName as Name;

/// Servers that don't answer, of which it is remembered in memory that a word of theirs is waited for.
const MAX_FAILING: usize = 10_000;
/// People who type of whom others are told that they go on.
const MAX_TYPING: usize = 10_000;
/// Of how many of them at once.
const MAX_TYPING_AGAIN: usize = 200;
/// How long news that aren't events wait for a server that doesn't come back: 30 days, in ms. Nobody waits longer for a key.
const MAX_AGE_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// For how long messages of other servers are known by their ids: a week, in ms.
const KNOWN_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What of the outbox is in memory. All of it can be lost.
#[derive(Default)]
pub(crate) struct Outbox {
    /// There is something to send.
    woken: Notify,
    pub(crate) ephemeral: ephemeral::Ephemeral,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Servers that don't answer, and when they were tried last, ms since the epoch.
    failing: HashMap<OwnedServerName, i64>,
    /// Those of them that said something since.
    heard: Vec<OwnedServerName>,
    /// Up to where the stream was looked at in vain.
    looked: Option<StreamPos>,
    /// Up to where presence was told.
    presence: Option<StreamPos>,
    /// Who of us is typing as others were told, and when they were, ms since the epoch.
    typing: HashMap<(RoomNid, OwnedUserId), i64>,
}

impl Memory {
    /// Those who type as others were told before that time.
    fn typing_before(&self, before_ts: i64) -> Vec<(RoomNid, OwnedUserId)> {
        let old = self.typing.iter().filter(|(_, told_ts)| **told_ts <= before_ts);
        old.map(|(who, _)| who.clone()).take(MAX_TYPING_AGAIN).collect()
    }

    fn note_typing(&mut self, told: Vec<(RoomNid, OwnedUserId, bool)>, now_ts: i64) {
        for (room, user_id, typing) in told {
            match typing {
                true if self.typing.len() < MAX_TYPING => drop(self.typing.insert((room, user_id), now_ts)),
                _ => drop(self.typing.remove(&(room, user_id))),
            }
        }
    }
}

impl Outbox {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that there is something to send. To be called after the commit; losing it is harmless.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Another server proved that it is there: what waits for it is tried at once. A server that speaks but doesn't listen
    /// isn't tried more often than after a first failure.
    pub(crate) fn heard(&self, server: &Server, origin: &ServerName) {
        let mut memory = self.memory();
        let Some(tried_ts) = memory.failing.get(origin) else {
            return;
        };
        let first_retry_ms = pause::ms(server.settings.outbox.first_retry);
        if server.now_ts() < tried_ts.saturating_add(first_retry_ms) {
            return;
        }
        memory.failing.remove(origin);
        memory.heard.push(origin.to_owned());
        drop(memory);
        self.wake();
    }

    fn fails(&self, server: &ServerName, now_ts: i64) {
        let mut memory = self.memory();
        if memory.failing.len() < MAX_FAILING || memory.failing.contains_key(server) {
            memory.failing.insert(server.to_owned(), now_ts);
        }
        drop(memory);
        self.ephemeral.forget(server);
    }

    fn answers(&self, server: &ServerName) {
        self.memory().failing.remove(server);
    }
}

/// Waits until there may be something to send.
pub async fn woken(server: &Server) {
    server.outbox.woken.notified().await;
}

/// Goes on after a start: remembers which servers don't answer, and gives free what an earlier process on this database
/// was about to send.
///
/// # Errors
/// Those of the store.
pub async fn begin(server: &Arc<Server>) -> Result<()> {
    let limit = u32::try_from(MAX_FAILING).unwrap_or(u32::MAX);
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.destination_failing(limit).await?) }));
    {
        let failing = reading.await?;
        let mut memory = server.outbox.memory();
        for destination in failing {
            memory.failing.entry(destination.server).or_insert(0);
        }
    }
    // On SQLite there is no other node that could hold anything.
    if server.store.engine_name() == "SQLite" {
        server.store.write(ReleaseAll).await?;
    }
    Ok(())
}

struct ReleaseAll;

impl Work for ReleaseAll {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(tx.destination_release_all().await?)
    }
}

/// Removes what nobody took for a month, and forgets which messages came a while ago. For every hour.
///
/// # Errors
/// Those of the store.
pub(crate) async fn tidy(server: &Arc<Server>) -> Result<()> {
    let gone = server
        .store
        .write(Tidy {
            now_ts: server.now_ts(),
        })
        .await?;
    if gone > 0 {
        tracing::warn!(
            gone,
            "news for servers that didn't answer for 30 days were thrown away"
        );
    }
    Ok(())
}

struct Tidy {
    now_ts: i64,
}

impl Work for Tidy {
    type Out = u64;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64> {
        tx.edu_message_delete_old(self.now_ts - KNOWN_MS).await?;
        Ok(tx.outbox_edu_delete_old(self.now_ts - MAX_AGE_MS).await?)
    }
}

/// Sets the figures for the operator: what waits, and how many servers don't answer. For now and then.
///
/// # Errors
/// Those of the store.
pub async fn measure(server: &Arc<Server>) -> Result<()> {
    let reading = server
        .store
        .read(|tx| Box::pin(async move { Ok::<_, Refusal>(tx.outbox_figures().await?) }));
    let figures = reading.await?;
    metrics::gauge!("rohrpost_outbox_events_waiting").set(figures.events as f64);
    metrics::gauge!("rohrpost_outbox_edus_waiting").set(figures.edus as f64);
    metrics::gauge!("rohrpost_outbox_destinations_failing").set(figures.failing as f64);
    Ok(())
}
