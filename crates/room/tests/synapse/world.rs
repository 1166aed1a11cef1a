//! A room that a script is played in: events that are hashed but not signed, states at each of them, and forks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rohrpost_room::Pdu;
use rohrpost_room::build::AuthState;
use rohrpost_room::receive::{AuthEventsError, Verdict, auth_state, judge, needed_state};
use rohrpost_room::redact::reference_hash;
use rohrpost_room::resolve::{StateMap, resolve};
use rohrpost_room::version::rules;
use ruma::events::StateEventType;
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, RoomVersionId};
use serde_json::{Value, json};

/// An event to be, before it has a place.
pub(crate) struct Draft {
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Value,
    pub(crate) ts: u64,
}

/// A forward extremity.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) id: OwnedEventId,
    pub(crate) after: StateMap,
    pub(crate) depth: u64,
}

/// An event as it happened.
#[derive(Clone)]
pub(crate) struct Happened {
    pub(crate) pdu: Arc<Pdu>,
    pub(crate) before: StateMap,
    pub(crate) accepted: bool,
    pub(crate) why: String,
}

/// States that were resolved, and what we made of them.
#[derive(Clone)]
pub(crate) struct Fork {
    pub(crate) states: Vec<StateMap>,
    pub(crate) resolved: Option<StateMap>,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) version: RoomVersionId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) events: BTreeMap<OwnedEventId, Arc<Pdu>>,
    pub(crate) happened: Vec<Happened>,
    pub(crate) heads: Vec<Head>,
    pub(crate) forks: Vec<Fork>,
}

impl World {
    /// A room that begins with this create event.
    pub(crate) fn new(version: &RoomVersionId, create: &Draft) -> Self {
        let mut world = Self {
            version: version.clone(),
            room_id: RoomId::parse("!room:a.example").unwrap(),
            events: BTreeMap::new(),
            happened: Vec::new(),
            heads: Vec::new(),
            forks: Vec::new(),
        };
        let names_room = *version != RoomVersionId::V12;
        let pdu = world.make(create, &[], &[], 1, names_room);
        if !names_room {
            world.room_id = RoomId::new_v2(pdu.event_id().as_str().trim_start_matches('$')).unwrap();
        }
        // Now that the room is known.
        let pdu = world.make(create, &[], &[], 1, names_room);
        world.enter(pdu, StateMap::new(), 1);
        world
    }

    /// Lets an event happen after these heads. `cite` may change which auth events it names.
    pub(crate) fn happen(
        &mut self,
        draft: &Draft,
        on: &[usize],
        cite: impl FnOnce(&mut Vec<OwnedEventId>, &Self),
    ) {
        let on: BTreeSet<usize> = on.iter().map(|i| i % self.heads.len()).collect();
        let parents: Vec<Head> = on.iter().map(|i| self.heads[*i].clone()).collect();
        let before = match parents.as_slice() {
            [only] => only.after.clone(),
            _ => self.resolve_now(parents.iter().map(|head| head.after.clone()).collect()),
        };
        let prev: Vec<OwnedEventId> = parents.iter().map(|head| head.id.clone()).collect();
        let depth = parents.iter().map(|head| head.depth).max().unwrap_or(0) + 1;
        let provisional = self.make(draft, &prev, &[], depth, true);
        let mut auth = self.selection(&provisional, &before);
        cite(&mut auth, self);
        let pdu = self.make(draft, &prev, &auth, depth, true);
        if self.events.contains_key(pdu.event_id()) {
            return;
        }
        let mut index = 0;
        self.heads.retain(|_| {
            index += 1;
            !on.contains(&(index - 1))
        });
        self.enter(pdu, before, depth);
    }

    /// Adds a second head that begins at an earlier event.
    pub(crate) fn fork_at(&mut self, index: usize) {
        let event = &self.happened[index % self.happened.len()];
        let mut after = event.before.clone();
        if event.accepted {
            put(&mut after, &event.pdu);
        }
        let head = Head {
            id: event.pdu.event_id().to_owned(),
            after,
            depth: event.pdu.depth(),
        };
        if self.heads.len() < 5 && !self.heads.iter().any(|other| other.id == head.id) {
            self.heads.push(head);
        }
    }

    /// Resolves all heads, as the room's current state.
    pub(crate) fn resolve_heads(&mut self) {
        let states = self.heads.iter().map(|head| head.after.clone()).collect();
        self.resolve_now(states);
    }

    fn resolve_now(&mut self, states: Vec<StateMap>) -> StateMap {
        let resolved = self.resolve(&states);
        let state = resolved.clone().unwrap_or_default();
        self.forks.push(Fork { states, resolved });
        state
    }

    pub(crate) fn resolve(&self, states: &[StateMap]) -> Option<StateMap> {
        let chains = states.iter().map(|state| chain(&self.events, state)).collect();
        resolve(&self.version, states, chains, |id| self.events.get(id).cloned()).ok()
    }

    /// "Auth events selection".
    fn selection(&self, pdu: &Pdu, before: &StateMap) -> Vec<OwnedEventId> {
        let fallback = || {
            let keys = [
                (StateEventType::RoomCreate, String::new()),
                (StateEventType::RoomPowerLevels, String::new()),
                (StateEventType::RoomMember, pdu.sender().to_string()),
            ];
            keys.into_iter().collect()
        };
        let needed = needed_state(pdu, &self.version).unwrap_or_else(|_| fallback());
        needed
            .iter()
            .filter(|(kind, _)| self.version != RoomVersionId::V12 || *kind != StateEventType::RoomCreate)
            .filter_map(|key| before.get(key).cloned())
            .collect()
    }

    fn make(
        &self,
        draft: &Draft,
        prev: &[OwnedEventId],
        auth: &[OwnedEventId],
        depth: u64,
        names_room: bool,
    ) -> Arc<Pdu> {
        let mut event = json!({
            "type": draft.kind,
            "sender": draft.sender,
            "content": draft.content,
            "origin_server_ts": draft.ts,
            "depth": depth,
            "prev_events": prev,
            "auth_events": auth,
            "signatures": {},
        });
        if let Some(state_key) = &draft.state_key {
            event["state_key"] = state_key.clone().into();
        }
        if names_room {
            event["room_id"] = self.room_id.to_string().into();
        }
        let mut object = serde_json::from_value(event).unwrap();
        ruma::signatures::add_content_hash_to_event(&mut object).unwrap();
        let hash = reference_hash(&object, rules(&self.version).unwrap()).unwrap();
        let id = EventId::new_v2_or_v3(&hash).unwrap();
        let text = serde_json::to_string(&object).unwrap();
        Arc::new(Pdu::from_stored(&self.room_id, &id, &text).unwrap())
    }

    fn enter(&mut self, pdu: Arc<Pdu>, before: StateMap, depth: u64) {
        let verdict = self.verdict(&pdu, &before);
        let accepted = verdict.is_ok();
        let pdu = Arc::new(Pdu::clone(&pdu).with_rejected(!accepted));
        let mut after = before.clone();
        if accepted {
            put(&mut after, &pdu);
        }
        let id = pdu.event_id().to_owned();
        self.events.insert(id.clone(), Arc::clone(&pdu));
        self.heads.push(Head { id, after, depth });
        self.happened.push(Happened {
            pdu,
            before,
            accepted,
            why: verdict.err().unwrap_or_default(),
        });
    }

    /// What our rules say of an event on receipt.
    fn verdict(&self, pdu: &Pdu, before: &StateMap) -> Result<(), String> {
        let auth = match auth_state(pdu, &self.version, |id| self.events.get(id).cloned()) {
            Ok(auth) => auth,
            Err(AuthEventsError::Missing(_)) => return Err("missing auth events".to_owned()),
            Err(AuthEventsError::Refused(refusal)) => return Err(refusal.to_string()),
        };
        match judge(pdu, &self.version, &auth, &self.loaded(before), None) {
            Verdict::Accept => Ok(()),
            Verdict::SoftFail(refusal) => Err(refusal.to_string()),
            Verdict::Reject(against, refusal) => Err(format!("{refusal}, says {against}")),
        }
    }

    pub(crate) fn loaded(&self, state: &StateMap) -> AuthState {
        state
            .iter()
            .map(|(key, id)| (key.clone(), Arc::clone(&self.events[id])))
            .collect()
    }
}

/// All events that a state stands on, its own among them.
pub(crate) fn chain(events: &BTreeMap<OwnedEventId, Arc<Pdu>>, state: &StateMap) -> BTreeSet<OwnedEventId> {
    let mut chain = BTreeSet::new();
    let mut next: Vec<_> = state.values().cloned().collect();
    while let Some(id) = next.pop() {
        let Some(pdu) = events.get(&id) else { continue };
        if chain.insert(id) {
            next.extend(pdu.auth_events().to_vec());
        }
    }
    chain
}

fn put(state: &mut StateMap, pdu: &Pdu) {
    if let Some(state_key) = pdu.state_key() {
        let kind = StateEventType::from(pdu.kind().to_string());
        state.insert((kind, state_key.to_owned()), pdu.event_id().to_owned());
    }
}
