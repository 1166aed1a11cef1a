//! Older history: what was in a room before this server came, or while it was away. Other servers of the room are asked for
//! it when somebody here reads back to where it is missing.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events>

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rohrpost_room::{Pdu, receive::Unverified};
use rohrpost_store::{RoomRow, StreamPos};
use ruma::{OwnedEventId, OwnedServerName, UInt, api::federation::backfill::get_backfill::v1::Request};

use super::{Asking, MAX_BYTES, MAX_QUESTIONS, TIMEOUT};
use crate::{
    Refusal, Result, Server,
    federation::{accept::accept_older, transactions::parents_first, verify::verify},
};

/// Events that are asked for at once.
const MAX_EVENTS: u32 = 100;
/// Servers that are asked, those with the most people in the room first.
const MAX_ASKED: usize = 3;
/// Places where history is missing that are asked about at once.
const MAX_GAPS: usize = 20;
/// How far back what came with an answer is looked at for events whose state isn't known.
const MAX_ROOTS: usize = 5;

/// A place where history is missing.
pub(crate) struct Gap {
    /// The room.
    pub(crate) room: RoomRow,
    /// The event in the timeline that follows it.
    pub(crate) follower: StreamPos,
    /// The events before that one.
    pub(crate) missing: Vec<OwnedEventId>,
}

/// Fetches history at a gap. Answers how many events came into the timeline.
///
/// # Errors
/// Those of the store. That nobody could tell is none.
pub(crate) async fn fetch_older(server: &Arc<Server>, gap: &Gap) -> Result<usize> {
    let _turn = server.incoming.older.wait(gap.room.room_id.clone()).await;
    let now_ts = server.now_ts();
    let unobtainable = &server.incoming.unobtainable;
    let (nid, ids) = (gap.room.nid, gap.missing.clone());
    let server_ = Arc::clone(server);
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let mut open = Vec::new();
            for id in ids.into_iter().take(MAX_GAPS) {
                // Whoever waited may find that another has fetched it.
                if tx.backward_extremity_has(nid, &id).await? {
                    open.push(id);
                }
            }
            let mut servers = tx.room_servers(nid).await?;
            servers.sort_by_key(|there| Reverse(there.joined));
            let servers = servers.into_iter().map(|there| there.server);
            let servers: Vec<OwnedServerName> = servers
                .filter(|name| server_.speaks_with(name))
                .take(MAX_ASKED)
                .collect();
            Ok::<_, Refusal>((open, servers))
        })
    });
    let (open, servers) = reading.await?;
    if open.is_empty() && !gap.missing.is_empty() {
        // Fetched meanwhile: what is there now is worth a look.
        return Ok(1);
    }
    for from in &servers {
        let open: Vec<OwnedEventId> = open
            .iter()
            .filter(|id| !unobtainable.has(from, id, now_ts))
            .cloned()
            .collect();
        if open.is_empty() {
            continue;
        }
        let mut asking = Asking {
            server,
            from,
            room: &gap.room,
            questions: MAX_QUESTIONS,
        };
        let placed = asking.older(&open, gap.follower).await?;
        if placed > 0 {
            return Ok(placed);
        }
        for id in open {
            unobtainable.put(from, id, now_ts);
        }
    }
    Ok(0)
}

impl Asking<'_> {
    async fn older(&mut self, open: &[OwnedEventId], follower: StreamPos) -> Result<usize> {
        let line = self.back_from(open).await?;
        if line.is_empty() {
            return Ok(0);
        }
        // The state before those that begin the line, from which that of all others follows.
        let ids: HashSet<OwnedEventId> = line.iter().map(|event| event.event_id().to_owned()).collect();
        let is_root = |event: &&Arc<Pdu>| event.prev_events().iter().any(|id| !ids.contains(id));
        for root in line.iter().filter(is_root).take(MAX_ROOTS) {
            self.fetch_gap(&root.event_id().to_owned()).await?;
        }
        accept_older(self.server, &self.room.room_id, line, follower).await
    }

    /// These events and those before them, parents first: only what they follow was asked for.
    async fn back_from(&mut self, open: &[OwnedEventId]) -> Result<Vec<Arc<Pdu>>> {
        if !self.may_ask() {
            return Ok(Vec::new());
        }
        let limit = UInt::from(MAX_EVENTS);
        let request = Request::new(self.room.room_id.clone(), open.to_vec(), limit);
        let answer = self
            .server
            .ask_within(self.from, request, (MAX_BYTES, TIMEOUT))
            .await;
        let events = match answer {
            Ok(answer) => answer.pdus,
            Err(error) => {
                tracing::debug!(%error, "older history can't be fetched");
                return Ok(Vec::new());
            }
        };
        let events = self.read(events.into_iter().take(MAX_EVENTS as usize));
        let mut by_id: HashMap<OwnedEventId, Unverified> = events
            .into_iter()
            .map(|event| (event.event_id().to_owned(), event))
            .collect();
        let mut line = Vec::new();
        let mut next = open.to_vec();
        while let Some(id) = next.pop() {
            if let Some(found) = by_id.remove(&id) {
                next.extend(found.prev_events());
                line.push(found);
            }
        }
        let verified = verify(self.server, line).await?;
        let verified = verified.into_iter().map(|received| Arc::new(received.pdu));
        Ok(parents_first(verified.collect()))
    }
}
