//! What is unread: the notifications that no receipt has reached, by thread. Pure.

use std::collections::BTreeMap;

use rohrpost_store::{ReceiptRow, StreamPos};
use ruma::{EventId, OwnedEventId};

/// Unread notifications that are kept for one timeline; more are not counted.
const MAX_PENDING: usize = 1000;

/// How much is unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that notify, those that highlight included.
    pub notifications: u32,
    /// Events that notify with emphasis.
    pub highlights: u32,
}

/// How much is unread in a room.
///
/// # Spec
/// [Receiving notifications](https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadCounts {
    /// In the main timeline.
    pub main: Counts,
    /// In each thread where something is unread, by its root.
    pub threads: BTreeMap<OwnedEventId, Counts>,
}

impl UnreadCounts {
    /// In the whole room, for clients that don't ask for threads.
    #[must_use]
    pub fn total(&self) -> Counts {
        let add = |one: Counts, other: &Counts| Counts {
            notifications: one.notifications.saturating_add(other.notifications),
            highlights: one.highlights.saturating_add(other.highlights),
        };
        self.threads.values().fold(self.main, add)
    }
}

/// Up to where a user read.
pub(crate) struct Marks {
    all: StreamPos,
    main: StreamPos,
    threads: BTreeMap<OwnedEventId, StreamPos>,
}

impl Marks {
    /// From the user's own receipts in the room, public and private.
    pub(crate) fn new(joined_since: StreamPos, receipts: &[ReceiptRow]) -> Self {
        let mut marks = Self {
            all: joined_since,
            main: joined_since,
            threads: BTreeMap::new(),
        };
        for receipt in receipts {
            let mark = match receipt.thread.as_str() {
                "" => &mut marks.all,
                "main" => &mut marks.main,
                root => match OwnedEventId::try_from(root) {
                    Ok(root) => marks.threads.entry(root).or_default(),
                    Err(_) => continue,
                },
            };
            *mark = receipt.event_pos.max(*mark);
        }
        marks.main = marks.main.max(marks.all);
        marks
    }

    /// Up to where everything is read, in all threads.
    pub(crate) fn all(&self) -> StreamPos {
        self.all
    }

    /// Up to where the main timeline is read.
    pub(crate) fn main(&self) -> StreamPos {
        self.main
    }

    /// Up to where a thread is read; `None`: the main timeline.
    pub(crate) fn of(&self, thread: Option<&EventId>) -> StreamPos {
        match thread {
            None => self.main,
            Some(root) => self
                .threads
                .get(root)
                .map_or(self.all, |mark| self.all.max(*mark)),
        }
    }
}

/// The notifications that are unread, oldest first.
#[derive(Clone, Default)]
pub(crate) struct Pending(BTreeMap<Option<OwnedEventId>, Vec<(StreamPos, bool)>>);

impl Pending {
    /// Adds a notification that is newer than the others of its thread.
    pub(crate) fn add(&mut self, thread: Option<OwnedEventId>, pos: StreamPos, highlight: bool) {
        let events = self.0.entry(thread).or_default();
        if events.len() < MAX_PENDING {
            events.push((pos, highlight));
        }
    }

    /// Everything in this thread is read.
    pub(crate) fn clear(&mut self, thread: Option<&EventId>) {
        self.0.retain(|other, _| other.as_deref() != thread);
    }

    /// Takes out what is read.
    pub(crate) fn read(&mut self, marks: &Marks) {
        self.0.retain(|thread, events| {
            let mark = marks.of(thread.as_deref());
            events.retain(|(pos, _)| *pos > mark);
            !events.is_empty()
        });
    }

    /// How many there are.
    pub(crate) fn counts(&self) -> UnreadCounts {
        let mut counts = UnreadCounts::default();
        for (thread, events) in &self.0 {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let here = Counts {
                notifications: count(events.len()),
                highlights: count(events.iter().filter(|(_, highlight)| *highlight).count()),
            };
            match thread {
                None => counts.main = here,
                Some(root) => drop(counts.threads.insert(root.clone(), here)),
            }
        }
        counts
    }

    /// Size in memory, in notifications.
    pub(crate) fn weight(&self) -> usize {
        self.0.values().map(|events| events.len() + 8).sum()
    }
}

#[cfg(test)]
mod tests;
