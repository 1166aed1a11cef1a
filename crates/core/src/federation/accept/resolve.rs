//! Resolves the states of a forked room into one, outside of any unit of work.
//!
//! Most of what the states hold is the same in all of them. Only where they differ, and what that stands on, is read as
//! events; the rest is compared by numbers. So a fork costs by what changed in it, not by how many members the room has.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use rohrpost_room::{Pdu, StateMap, receive::needed_state};
use rohrpost_store::{EventNid, EventStatus, RoomNid, RoomRow, StateNid, StatePair, Tx, Work};
use ruma::{EventId, OwnedEventId, RoomId, events::StateEventType};

use super::auth_graph::AuthGraph;
use crate::{
    Refusal, Result, Server,
    rooms::head::{StateKey, pdu},
};

/// Events that one resolution may look at. Who makes more of them gets a room that doesn't go on here.
const MAX_EVENTS: usize = 50_000;
/// Resolutions that are remembered.
const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not zero");
/// Events that are read at once.
const BATCH: usize = 500;

/// What states resolved to lately.
pub(crate) struct ResolvedStates(Mutex<LruCache<BTreeSet<StateNid>, StateNid>>);

impl Default for ResolvedStates {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_REMEMBERED)))
    }
}

impl ResolvedStates {
    /// What these states resolve to, if that was found out lately.
    pub(super) fn get(&self, states: &BTreeSet<StateNid>) -> Option<StateNid> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(states).copied()
    }

    fn put(&self, states: BTreeSet<StateNid>, state: StateNid) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(states, state);
    }
}

/// What a resolution is made of.
struct Question {
    room: RoomRow,
    /// The state that the answer is told as a change of.
    base: StateNid,
    states: Vec<StateMap>,
    chains: Vec<BTreeSet<OwnedEventId>>,
    events: HashMap<OwnedEventId, (EventNid, Arc<Pdu>)>,
    /// Where the states differ.
    conflicted: BTreeSet<StateKey>,
}

/// What these states of a room resolve to, kept as a state and remembered.
///
/// # Errors
/// Those of the store; `Internal` when the room's events don't allow a resolution.
pub(crate) async fn resolve(
    server: &Arc<Server>,
    room_id: &RoomId,
    states: &BTreeSet<StateNid>,
) -> Result<StateNid> {
    let (room_id, asked) = (room_id.to_owned(), states.clone());
    let reading = Arc::clone(server);
    let question = server.store.read(move |tx| {
        Box::pin(async move {
            let room = tx.room_get(&room_id).await?.ok_or_else(Refusal::not_in_room)?;
            let mut graph = reading.auth_graphs.get(room.nid);
            let question = ask(tx, room, &asked, &mut graph).await?;
            reading.auth_graphs.put(graph);
            Ok::<_, Refusal>(question)
        })
    });
    let question = question.await?;
    let (room, base) = (question.room.nid, question.base);
    let changes = tokio::task::spawn_blocking(move || answer(question))
        .await
        .map_err(|error| Refusal::Internal(error.to_string()))??;
    let state = server.store.write(Keep { room, base, changes }).await?;
    server.resolved_states.put(states.clone(), state);
    Ok(state)
}

async fn ask(
    tx: &mut Tx<'_>,
    room: RoomRow,
    states: &BTreeSet<StateNid>,
    graph: &mut AuthGraph,
) -> Result<Question> {
    let base = states.first().copied().unwrap_or_default();
    let mut at: BTreeMap<i64, BTreeMap<StateNid, EventNid>> = BTreeMap::new();
    for state in states {
        for StatePair { key, event } in tx.state_pairs(*state).await? {
            at.entry(key).or_default().insert(*state, event);
        }
    }
    let is_common = |by_state: &BTreeMap<StateNid, EventNid>| {
        by_state.len() == states.len() && by_state.values().collect::<HashSet<_>>().len() == 1
    };
    let (common, conflicted): (BTreeMap<_, _>, BTreeMap<_, _>) =
        at.into_iter().partition(|(_, by_state)| is_common(by_state));
    let common: Vec<EventNid> = common
        .into_values()
        .filter_map(|by_state| by_state.into_values().next())
        .collect();

    // An event that is in some chains and not in all stands below an event that is in some states and not in all.
    let common = graph.chain(tx, common).await?;
    let mut chains: Vec<HashSet<EventNid>> = Vec::with_capacity(states.len());
    for state in states {
        let own = conflicted.values().filter_map(|by_state| by_state.get(state));
        chains.push(graph.chain(tx, own.copied()).await?);
    }
    let mut differing: HashSet<EventNid> = chains.iter().flatten().copied().collect();
    differing.retain(|event| !common.contains(event) && !chains.iter().all(|chain| chain.contains(event)));

    let mut nids: BTreeSet<EventNid> = chains.iter().flatten().copied().collect();
    nids.extend(conflicted.values().flat_map(BTreeMap::values));
    let mut events = Events::new(&room);
    events.load(tx, nids).await?;
    let full: Vec<EventNid> = conflicted
        .values()
        .flat_map(BTreeMap::values)
        .chain(&differing)
        .copied()
        .collect();
    let mut needed = events.needed(&full);
    let mut keys = BTreeSet::new();
    for nid in conflicted.values().flat_map(BTreeMap::values) {
        keys.extend(events.key(*nid));
    }
    needed.retain(|key| !keys.contains(key));
    // Of what all have in common, only what decides about the rest.
    let needed: Vec<StateKey> = needed.into_iter().collect();
    let shared = tx.state_find_each(base, &needed).await?;
    let mut below: BTreeSet<EventNid> = shared.iter().copied().collect();
    below.extend(graph.chain(tx, shared.iter().copied()).await?);
    events.load(tx, below).await?;

    let maps = states.iter().map(|state| {
        let own = conflicted.values().filter_map(|by_state| by_state.get(state));
        let entries = own.chain(&shared);
        entries
            .filter_map(|nid| Some((events.key(*nid)?, events.id(*nid)?)))
            .collect()
    });
    let states = maps.collect();
    let chains = chains.iter().map(|chain| {
        let differing = chain.intersection(&differing);
        differing.filter_map(|nid| events.id(*nid)).collect()
    });
    Ok(Question {
        base,
        states,
        chains: chains.collect(),
        conflicted: keys,
        events: events.by_id(),
        room,
    })
}

/// Events of a room that take part in a resolution.
struct Events<'r> {
    room: &'r RoomRow,
    by_nid: HashMap<EventNid, Arc<Pdu>>,
}

impl<'r> Events<'r> {
    fn new(room: &'r RoomRow) -> Self {
        Self {
            room,
            by_nid: HashMap::new(),
        }
    }

    async fn load(&mut self, tx: &mut Tx<'_>, nids: BTreeSet<EventNid>) -> Result<()> {
        let unknown = nids.into_iter().filter(|nid| !self.by_nid.contains_key(nid));
        let unknown: Vec<EventNid> = unknown.collect();
        if self.by_nid.len() + unknown.len() > MAX_EVENTS {
            return Err(Refusal::Internal(
                "too many events would take part in a resolution".to_owned(),
            ));
        }
        for batch in unknown.chunks(BATCH) {
            for row in tx.event_get_many(self.room.nid, batch).await? {
                let event = pdu(&self.room.room_id, &row)?;
                let event = event.with_rejected(row.status == EventStatus::Rejected);
                self.by_nid.insert(row.nid, Arc::new(event));
            }
        }
        Ok(())
    }

    /// The keys of a state that may decide about these events, and their own.
    fn needed(&self, nids: &[EventNid]) -> BTreeSet<StateKey> {
        let kinds = [
            StateEventType::RoomCreate,
            StateEventType::RoomPowerLevels,
            StateEventType::RoomJoinRules,
        ];
        let mut needed: BTreeSet<StateKey> = kinds.into_iter().map(|kind| (kind, String::new())).collect();
        for event in nids.iter().filter_map(|nid| self.by_nid.get(nid)) {
            needed.extend(needed_state(event, &self.room.version).unwrap_or_default());
        }
        needed.extend(nids.iter().filter_map(|nid| self.key(*nid)));
        needed
    }

    fn key(&self, nid: EventNid) -> Option<StateKey> {
        let event = self.by_nid.get(&nid)?;
        Some((event.kind().to_string().into(), event.state_key()?.to_owned()))
    }

    fn id(&self, nid: EventNid) -> Option<OwnedEventId> {
        self.by_nid.get(&nid).map(|event| event.event_id().to_owned())
    }

    fn by_id(self) -> HashMap<OwnedEventId, (EventNid, Arc<Pdu>)> {
        let entries = self.by_nid.into_iter();
        entries
            .map(|(nid, event)| (event.event_id().to_owned(), (nid, event)))
            .collect()
    }
}

/// The changes that make the resolved state of the first one.
fn answer(question: Question) -> Result<Vec<(StateKey, EventNid)>> {
    let Question {
        room,
        states,
        chains,
        events,
        conflicted,
        ..
    } = question;
    let fetch = |id: &EventId| events.get(id).map(|(_, event)| Arc::clone(event));
    let resolved = rohrpost_room::resolve(&room.version, &states, chains, fetch)
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    let base = states.into_iter().next().unwrap_or_default();
    let mut changes = Vec::new();
    for (key, id) in &resolved {
        if base.get(key) != Some(id)
            && let Some((nid, _)) = events.get(id)
        {
            changes.push((key.clone(), *nid));
        }
    }
    for key in conflicted {
        if base.contains_key(&key) && !resolved.contains_key(&key) {
            changes.push((key, EventNid(0)));
        }
    }
    Ok(changes)
}

/// Keeps a state as a change of another.
struct Keep {
    room: RoomNid,
    base: StateNid,
    changes: Vec<(StateKey, EventNid)>,
}

impl Work for Keep {
    type Out = StateNid;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<StateNid> {
        put(tx, self.room, self.base, &self.changes).await
    }
}

async fn put(
    tx: &mut Tx<'_>,
    room: RoomNid,
    base: StateNid,
    changes: &[(StateKey, EventNid)],
) -> Result<StateNid> {
    let keys: Vec<StateKey> = changes.iter().map(|(key, _)| key.clone()).collect();
    let numbers = tx.state_key_intern_each(&keys).await?;
    let pairs: Vec<StatePair> = numbers
        .into_iter()
        .zip(changes)
        .map(|(key, (_, event))| StatePair { key, event: *event })
        .collect();
    Ok(tx.state_put(room, base, &pairs).await?)
}

/// Keeps a state that is known as a whole, such as one that another server told.
pub(crate) async fn known_state(
    tx: &mut Tx<'_>,
    room: RoomNid,
    events: &[(StateKey, EventNid)],
) -> Result<StateNid> {
    put(tx, room, StateNid::default(), events).await
}
