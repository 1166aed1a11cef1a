//! Fetches the events that stand before others and weren't sent.
//!
//! The server that sent an event is asked for what came before it, for a while; where a gap remains, for the state there.
//! What it can't give, one or two others of the room may.
//! All that is fetched is verified, and only what was asked for by its id is taken. There are bounds for everything: how
//! many questions, how many events, how long. What can't be had isn't asked for again for some time.
//!
//! Start reading at [`accept_from`].
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events>

mod auth;
mod gap;
mod older;

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(crate) use self::older::{Gap, fetch_older};
use lru::LruCache;
use rohrpost_room::{
    Pdu,
    receive::{Unverified, read},
};
use rohrpost_store::RoomRow;
use ruma::{
    OwnedEventId, OwnedServerName, RoomId, ServerName, UInt,
    api::federation::event::get_missing_events::v1::Request,
};
use serde_json::value::RawValue;

use super::{
    accept::{Outcome, accept},
    transactions::parents_first,
    verify::verify,
};
use crate::{Refusal, Result, Server};

/// Events that are asked for before one that was sent.
const MAX_BETWEEN: u32 = 100;
/// Forward extremities that are told as what is known.
const MAX_EARLIEST: usize = 20;
/// Questions that are asked for the events of one room in one transaction, apart from those for single events.
const MAX_QUESTIONS: u32 = 20;
/// Other servers of the room that are asked for what the sender can't give, and how many questions each of them.
const MAX_OTHERS: usize = 2;
const MAX_QUESTIONS_TO_OTHERS: u32 = 4;
/// Largest answer with events, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Longest time for such an answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// For how long an event isn't asked for again that nobody could give, in ms.
const PAUSE_MS: i64 = 5 * 60 * 1000;
/// Events of which that is remembered.
const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not zero");

/// Events that a server could not give, with when it was asked for them, ms since the epoch.
pub(crate) struct Unobtainable(Mutex<LruCache<(OwnedServerName, OwnedEventId), i64>>);

impl Default for Unobtainable {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_REMEMBERED)))
    }
}

impl Unobtainable {
    fn has(&self, from: &ServerName, event_id: &OwnedEventId, now_ts: i64) -> bool {
        let key = (from.to_owned(), event_id.clone());
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(&key).is_some_and(|ts| now_ts < ts + PAUSE_MS)
    }

    fn put(&self, from: &ServerName, event_id: OwnedEventId, now_ts: i64) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.put((from.to_owned(), event_id), now_ts);
    }
}

/// A server that is asked about a room, and how much it may still be asked.
pub(crate) struct Asking<'a> {
    pub(crate) server: &'a Arc<Server>,
    pub(crate) from: &'a ServerName,
    pub(crate) room: &'a RoomRow,
    questions: u32,
}

/// Takes verified events that a server sent, parents before children, and fetches from it what is missing. Answers what
/// became of each, in the same order.
///
/// # Errors
/// As [`accept`]. That something can't be had is none: the event is `Missing` then.
pub(crate) async fn accept_from(
    server: &Arc<Server>,
    from: &ServerName,
    room_id: &RoomId,
    events: &[Arc<Pdu>],
) -> Result<Vec<Outcome>> {
    let mut outcomes = accept(server, room_id, events).await?;
    if !outcomes.iter().any(is_missing) {
        return Ok(outcomes);
    }
    let (room, others) = room(server, room_id, from).await?;
    let asking = |from, questions| Asking {
        server,
        from,
        room: &room,
        questions,
    };
    fetch(asking(from, MAX_QUESTIONS), events, &mut outcomes).await?;
    for other in &others {
        if !outcomes.iter().any(is_missing) {
            break;
        }
        fetch(asking(other, MAX_QUESTIONS_TO_OTHERS), events, &mut outcomes).await?;
    }
    for (event, outcome) in events.iter().zip(&outcomes) {
        if let Outcome::Missing { auth, prev } = outcome {
            tracing::info!(
                event = %event.event_id(),
                auth = auth.len(),
                prev = prev.len(),
                "an event can't be placed: what it stands on can't be had"
            );
        }
    }
    Ok(outcomes)
}

/// Asks a server for what the events lack that couldn't be placed.
async fn fetch(mut asking: Asking<'_>, events: &[Arc<Pdu>], outcomes: &mut [Outcome]) -> Result<()> {
    for (event, outcome) in events.iter().zip(outcomes) {
        if is_missing(outcome) {
            // What it lacked may have come with another.
            *outcome = asking.accept_one(event).await?;
        }
        if is_missing(outcome) {
            asking.fetch_before(event).await?;
            *outcome = asking.accept_one(event).await?;
        }
    }
    Ok(())
}

fn is_missing(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Missing { .. })
}

/// The room, and other servers in it that may be asked: those with the most people.
async fn room(
    server: &Arc<Server>,
    room_id: &RoomId,
    from: &ServerName,
) -> Result<(RoomRow, Vec<OwnedServerName>)> {
    let room_id = room_id.to_owned();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let room = tx.room_get(&room_id).await?.ok_or_else(Refusal::not_in_room)?;
            let there = tx.room_servers(room.nid).await?;
            Ok::<_, Refusal>((room, there))
        })
    });
    let (room, mut there) = reading.await?;
    there.sort_by_key(|there| std::cmp::Reverse(there.joined));
    let others = there.into_iter().map(|there| there.server);
    let others = others.filter(|name| name != from && server.speaks_with(name));
    Ok((room, others.take(MAX_OTHERS).collect()))
}

impl Asking<'_> {
    /// Whether another question may be asked.
    fn may_ask(&mut self) -> bool {
        let may = self.questions > 0;
        self.questions = self.questions.saturating_sub(1);
        may
    }

    async fn accept_one(&self, event: &Arc<Pdu>) -> Result<Outcome> {
        let outcomes = accept(self.server, &self.room.room_id, std::slice::from_ref(event)).await?;
        let none = || Refusal::Internal("an event has no outcome".to_owned());
        outcomes.into_iter().next().ok_or_else(none)
    }

    /// Fetches what an event stands on, until it can be placed or nothing more can be had.
    async fn fetch_before(&mut self, event: &Arc<Pdu>) -> Result<()> {
        let Outcome::Missing { prev, .. } = self.accept_one(event).await? else {
            return Ok(());
        };
        let mut line = Vec::new();
        if !prev.is_empty() {
            line = self.between(event, &prev).await?;
        }
        line.push(Arc::clone(event));
        let outcomes = accept(self.server, &self.room.room_id, &line).await?;
        for (event, outcome) in line.iter().zip(outcomes) {
            if !is_missing(&outcome) {
                continue;
            }
            let Outcome::Missing { auth, prev } = self.accept_one(event).await? else {
                continue;
            };
            if !auth.is_empty() {
                self.fetch_auth(event, auth).await?;
            }
            for prev in prev {
                self.fetch_gap(&prev).await?;
            }
            if let Outcome::Missing { auth, .. } = self.accept_one(event).await?
                && !auth.is_empty()
            {
                // The state in the gap may have brought what these stand on.
                self.fetch_auth(event, auth).await?;
                self.accept_one(event).await?;
            }
        }
        Ok(())
    }

    /// The events between what is known and an event, parents first: those that it follows, and nothing else.
    async fn between(&mut self, event: &Arc<Pdu>, prev: &[OwnedEventId]) -> Result<Vec<Arc<Pdu>>> {
        let now_ts = self.server.now_ts();
        let unobtainable = &self.server.incoming.unobtainable;
        if prev.iter().all(|id| unobtainable.has(self.from, id, now_ts)) || !self.may_ask() {
            return Ok(Vec::new());
        }
        let (room_id, nid) = (self.room.room_id.clone(), self.room.nid);
        let reading = self.server.store.read(move |tx| {
            Box::pin(async move {
                let ends = tx.room_extremities(nid).await?;
                let begins_here = tx.backward_extremity_list(nid, 1).await?.is_empty();
                Ok::<_, Refusal>((ends, begins_here))
            })
        });
        let (ends, begins_here) = reading.await?;
        // Where older history is missing on purpose, what is known without a place is part of that: whoever follows it needs
        // the state there, and not all that was before.
        let is_over = |unknown: &BTreeSet<OwnedEventId>| !begins_here && unknown.is_empty();
        if is_over(&self.unknown(&prev.iter().cloned().collect()).await?) {
            return Ok(Vec::new());
        }
        let earliest = ends.into_iter().map(|(_, id)| id).take(MAX_EARLIEST);
        let latest = vec![event.event_id().to_owned()];
        let mut request = Request::new(room_id, earliest.collect(), latest);
        request.limit = UInt::from(MAX_BETWEEN);
        let answer = self
            .server
            .ask_within(self.from, request, (MAX_BYTES, TIMEOUT))
            .await;
        let events = match answer {
            Ok(answer) => answer.events,
            Err(error) => {
                tracing::debug!(%error, "missing events can't be fetched");
                return Ok(Vec::new());
            }
        };
        let events = self.read(events.into_iter().take(MAX_BETWEEN as usize));
        // Only what the event follows was asked for.
        let mut by_id: HashMap<OwnedEventId, Unverified> = events
            .into_iter()
            .map(|event| (event.event_id().to_owned(), event))
            .collect();
        if !begins_here {
            let unknown = self.unknown(&by_id.keys().cloned().collect()).await?;
            by_id.retain(|id, _| unknown.contains(id));
        }
        let mut line = Vec::new();
        let mut next: Vec<OwnedEventId> = prev.to_vec();
        while let Some(id) = next.pop() {
            if let Some(found) = by_id.remove(&id) {
                next.extend(found.prev_events());
                line.push(found);
            }
        }
        let verified = verify(self.server, line).await?;
        Ok(parents_first(
            verified
                .into_iter()
                .map(|received| Arc::new(received.pdu))
                .collect(),
        ))
    }

    /// Reads events of the room; what isn't one is left out.
    fn read(&self, events: impl IntoIterator<Item = Box<RawValue>>) -> Vec<Unverified> {
        let (room_id, version) = (&self.room.room_id, &self.room.version);
        let events = events.into_iter();
        events
            .filter_map(|event| read(event.get(), room_id, version).ok())
            .collect()
    }

    /// Those of these events that aren't known.
    async fn unknown(&self, ids: &BTreeSet<OwnedEventId>) -> Result<BTreeSet<OwnedEventId>> {
        let (nid, wanted) = (self.room.nid, ids.clone());
        let reading = self.server.store.read(move |tx| {
            Box::pin(async move {
                let known = tx.event_numbers(nid, wanted.iter().map(|id| &**id)).await?;
                Ok::<_, Refusal>(known.into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>())
            })
        });
        let known = reading.await?;
        Ok(ids.difference(&known).cloned().collect())
    }
}
