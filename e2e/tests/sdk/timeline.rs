//! What a device was shown, in the order in which it was shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use matrix_sdk::deserialized_responses::{TimelineEvent, TimelineEventKind};
use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, RoomId};
use matrix_sdk::sync::SyncResponse;
use serde_json::Value;

/// Whether a device could read an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    /// Nothing was encrypted.
    Plain,
    Decrypted,
    /// The device lacks the key.
    No,
}

/// An event as a device has it, decrypted where it could.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) event_id: OwnedEventId,
    pub(crate) readable: Readable,
    /// The Megolm session that an encrypted event came with.
    pub(crate) session_id: Option<String>,
    pub(crate) event: Value,
}

impl Seen {
    pub(crate) fn new(event: &TimelineEvent) -> anyhow::Result<Self> {
        let readable = match &event.kind {
            TimelineEventKind::PlainText { .. } => Readable::Plain,
            TimelineEventKind::Decrypted(_) => Readable::Decrypted,
            TimelineEventKind::UnableToDecrypt { .. } => Readable::No,
        };
        Ok(Self {
            event_id: event.event_id().context("an event came without an id")?,
            readable,
            session_id: event.kind.session_id().map(str::to_owned),
            event: serde_json::from_str(event.raw().json().get())?,
        })
    }

    /// The text of a message that was encrypted and could be read.
    pub(crate) fn text(&self) -> Option<&str> {
        let is_message = self.event["type"] == "m.room.message";
        (is_message && self.readable == Readable::Decrypted)
            .then(|| self.event["content"]["body"].as_str())
            .flatten()
    }
}

/// Everything that came down one device's `/sync`.
#[derive(Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Everything>>);

#[derive(Default)]
struct Everything {
    rooms: BTreeMap<OwnedRoomId, Vec<Seen>>,
    to_device: Vec<Value>,
}

impl Shown {
    pub(crate) fn add(&self, answer: &SyncResponse) -> anyhow::Result<()> {
        let mut everything = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (room, update) in &answer.rooms.joined {
            let events = update.timeline.events.iter().map(Seen::new);
            let events = events.collect::<anyhow::Result<Vec<_>>>()?;
            everything.rooms.entry(room.clone()).or_default().extend(events);
        }
        for message in &answer.to_device {
            let message = serde_json::from_str(message.to_raw().json().get())?;
            everything.to_device.push(message);
        }
        Ok(())
    }

    pub(crate) fn timeline(&self, room: &RoomId) -> Vec<Seen> {
        let everything = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        everything.rooms.get(room).cloned().unwrap_or_default()
    }

    /// What came to this device alone.
    pub(crate) fn to_device(&self) -> Vec<Value> {
        let everything = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        everything.to_device.clone()
    }
}

/// Each event at most once, and each of the texts exactly once.
pub(crate) fn ensure_once(seen: &[Seen], texts: &[&str]) -> anyhow::Result<()> {
    let mut ids: Vec<_> = seen.iter().map(|event| &event.event_id).collect();
    ids.sort();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]);
    ensure!(twice.is_none(), "an event was shown twice: {twice:?}");
    for text in texts {
        let times = seen.iter().filter(|event| event.text() == Some(text)).count();
        ensure!(times == 1, "{text:?} was shown {times} times");
    }
    Ok(())
}
