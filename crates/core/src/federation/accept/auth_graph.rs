//! Which events stand on which, over `auth_events`: kept in memory for rooms in which states were resolved.
//!
//! What an event cites never changes, so what is here is right for ever. It is kept by numbers, because in a large room all
//! of it is walked for each resolution.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use rohrpost_store::{EventNid, RoomNid, Tx};
use ruma::OwnedEventId;
use serde::Deserialize;

use crate::Result;

/// Rooms that are kept.
const MAX_ROOMS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");
/// Events of a room that are kept; larger rooms are read anew each time.
const MAX_EVENTS: usize = 200_000;
/// Events that are read at once.
const BATCH: usize = 500;

/// What events of one room cite.
type Cited = imbl::HashMap<EventNid, Arc<[EventNid]>>;

/// The graphs that are kept.
pub(crate) struct AuthGraphs(Mutex<LruCache<RoomNid, Cited>>);

impl Default for AuthGraphs {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_ROOMS)))
    }
}

impl AuthGraphs {
    pub(super) fn get(&self, room: RoomNid) -> AuthGraph {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cited = rooms.get(&room).cloned().unwrap_or_default();
        AuthGraph { room, cited }
    }

    pub(super) fn put(&self, graph: AuthGraph) {
        if graph.cited.len() <= MAX_EVENTS {
            let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.put(graph.room, graph.cited);
        }
    }
}

/// What events of one room cite, as far as it was looked at.
pub(super) struct AuthGraph {
    room: RoomNid,
    cited: Cited,
}

impl AuthGraph {
    /// Everything that these events stand on, over any number of steps; themselves only if another stands on them.
    pub(super) async fn chain(
        &mut self,
        tx: &mut Tx<'_>,
        events: impl IntoIterator<Item = EventNid>,
    ) -> Result<HashSet<EventNid>> {
        let mut chain = HashSet::new();
        let mut next: Vec<EventNid> = events.into_iter().collect();
        while !next.is_empty() {
            self.learn(tx, &next).await?;
            let mut found = Vec::new();
            for event in next {
                for cited in self.cited.get(&event).map(|cited| &**cited).unwrap_or_default() {
                    if chain.insert(*cited) {
                        found.push(*cited);
                    }
                }
            }
            next = found;
        }
        Ok(chain)
    }

    async fn learn(&mut self, tx: &mut Tx<'_>, events: &[EventNid]) -> Result<()> {
        #[derive(Deserialize)]
        struct Citing {
            auth_events: Vec<OwnedEventId>,
        }
        let unknown: Vec<EventNid> = events
            .iter()
            .filter(|event| !self.cited.contains_key(*event))
            .copied()
            .collect();
        for batch in unknown.chunks(BATCH) {
            let mut citing = Vec::with_capacity(batch.len());
            for row in tx.event_get_many(self.room, batch).await? {
                let cited = serde_json::from_str::<Citing>(&row.json)?.auth_events;
                citing.push((row.nid, cited));
            }
            let ids: HashSet<&OwnedEventId> = citing.iter().flat_map(|(_, cited)| cited).collect();
            let numbers = tx
                .event_numbers(self.room, ids.into_iter().map(|id| &**id))
                .await?;
            let numbers: std::collections::HashMap<OwnedEventId, EventNid> = numbers.into_iter().collect();
            for (event, cited) in &citing {
                let cited = cited.iter().filter_map(|id| numbers.get(id).copied());
                self.cited.insert(*event, cited.collect());
            }
        }
        Ok(())
    }
}
