//! A room for tests: sends events through [`build()`](crate::build::build) and keeps the state they make.
//!
//! `clone()` forks it. Every server signs with the same key, which no test minds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruma::events::{StateEventType, TimelineEventType};
use ruma::signatures::Ed25519KeyPair;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomVersionId, UInt, UserId};
use serde_json::{Value, json};

use crate::build::{AuthState, BuildError, NewEvent, Place, build, room_id_before_v12};
use crate::input::canonical_object;
use crate::keys::key_from_seed;
use crate::pdu::Pdu;
use crate::power::Power;
use crate::resolve::StateMap;

pub(crate) const VERSIONS: [RoomVersionId; 3] = [RoomVersionId::V10, RoomVersionId::V11, RoomVersionId::V12];

pub(crate) const ALICE: &str = "@alice:a.example";
pub(crate) const BOB: &str = "@bob:a.example";
pub(crate) const CAROL: &str = "@carol:b.example";
pub(crate) const DORA: &str = "@dora:a.example";

pub(crate) fn user(id: &str) -> OwnedUserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn key() -> Ed25519KeyPair {
    key_from_seed(&[42; 32], "test").unwrap()
}

/// An event that waits for a room. `state_key` as in the JSON: `None` for a message.
pub(crate) fn event(sender: &str, kind: &str, state_key: Option<&str>, content: Value) -> NewEvent {
    NewEvent {
        kind: TimelineEventType::from(kind),
        state_key: state_key.map(ToOwned::to_owned),
        content: canonical_object(content).unwrap(),
        sender: user(sender),
        redacts: None,
        origin_server_ts: MilliSecondsSinceUnixEpoch(UInt::from(1_000_u32)),
    }
}

pub(crate) fn member(sender: &str, target: &str, membership: &str) -> NewEvent {
    event(
        sender,
        "m.room.member",
        Some(target),
        json!({"membership": membership}),
    )
}

pub(crate) fn message(sender: &str, body: &str) -> NewEvent {
    event(
        sender,
        "m.room.message",
        None,
        json!({"msgtype": "m.text", "body": body}),
    )
}

#[derive(Clone)]
pub(crate) struct TestRoom {
    pub(crate) version: RoomVersionId,
    pub(crate) room_id: Option<OwnedRoomId>,
    pub(crate) state: AuthState,
    pub(crate) heads: Vec<OwnedEventId>,
    pub(crate) events: BTreeMap<OwnedEventId, Arc<Pdu>>,
    pub(crate) depth: u64,
    clock_ms: u32,
}

impl TestRoom {
    /// A room in which nothing has happened yet.
    pub(crate) fn empty(version: &RoomVersionId) -> Self {
        let room_id = match version {
            RoomVersionId::V12 => None,
            _ => Some(room_id_before_v12("room", user(ALICE).server_name()).unwrap()),
        };
        Self {
            version: version.clone(),
            room_id,
            state: AuthState::new(),
            heads: Vec::new(),
            events: BTreeMap::new(),
            depth: 1,
            clock_ms: 1_000,
        }
    }

    /// A public room of Alice, who is its creator and administrator, with Bob in it.
    pub(crate) fn public(version: &RoomVersionId) -> Self {
        let mut room = Self::empty(version);
        room.send(room.create_event());
        room.send(member(ALICE, ALICE, "join"));
        room.send(room.power_levels(json!({})));
        room.send(event(
            ALICE,
            "m.room.join_rules",
            Some(""),
            json!({"join_rule": "public"}),
        ));
        room.send(member(BOB, BOB, "join"));
        room
    }

    pub(crate) fn create_event(&self) -> NewEvent {
        let mut content = json!({"room_version": self.version.as_str()});
        if self.version == RoomVersionId::V10 {
            content["creator"] = ALICE.into();
        }
        event(ALICE, "m.room.create", Some(""), content)
    }

    /// Alice's power levels: she has 100 where creators may be listed, and these further fields.
    pub(crate) fn power_levels(&self, mut content: Value) -> NewEvent {
        if content.get("users").is_none() {
            content["users"] = json!({});
        }
        if self.version != RoomVersionId::V12 {
            content["users"][ALICE] = 100.into();
        }
        event(ALICE, "m.room.power_levels", Some(""), content)
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            version: &self.version,
            room_id: self.room_id.as_deref(),
            prev_events: &self.heads,
            depth: self.depth,
        }
    }

    /// Builds the event as the sender's server does; the room stays as it is.
    pub(crate) fn build(&self, new: NewEvent) -> Result<Pdu, BuildError> {
        let server = new.sender.server_name().to_owned();
        build(new, self.place(), &self.state, &server, &key())
    }

    /// The text of the authorization rule that refuses the event.
    pub(crate) fn refusal(&self, new: NewEvent) -> String {
        match self.build(new) {
            Err(BuildError::Forbidden(rule)) => rule,
            Err(other) => panic!("not refused by a rule but by: {other}"),
            Ok(pdu) => panic!("allowed: {}", pdu.json()),
        }
    }

    /// Sends an event that must be allowed.
    pub(crate) fn send(&mut self, mut new: NewEvent) -> Arc<Pdu> {
        self.clock_ms += 1;
        new.origin_server_ts = MilliSecondsSinceUnixEpoch(UInt::from(self.clock_ms));
        let pdu = Arc::new(self.build(new).unwrap());
        self.put(&pdu);
        pdu
    }

    /// Takes an event in, whatever the rules say about it.
    pub(crate) fn put(&mut self, pdu: &Arc<Pdu>) {
        self.room_id = Some(pdu.room_id().to_owned());
        self.heads = vec![pdu.event_id().to_owned()];
        self.depth += 1;
        self.events.insert(pdu.event_id().to_owned(), Arc::clone(pdu));
        if let Some(state_key) = pdu.state_key() {
            let kind = StateEventType::from(pdu.kind().to_string());
            self.state.insert((kind, state_key.to_owned()), Arc::clone(pdu));
        }
    }

    pub(crate) fn get(&self, kind: StateEventType, state_key: &str) -> Option<&Pdu> {
        self.state.get(&(kind, state_key.to_owned())).map(|pdu| &**pdu)
    }

    pub(crate) fn power(&self) -> Power {
        let create = self.get(StateEventType::RoomCreate, "");
        Power::new(
            create,
            self.get(StateEventType::RoomPowerLevels, ""),
            &self.version,
        )
        .unwrap()
    }

    pub(crate) fn state_map(&self) -> StateMap {
        self.state
            .iter()
            .map(|(key, pdu)| (key.clone(), pdu.event_id().to_owned()))
            .collect()
    }

    /// Every event that the state's events stand on, over `auth_events`.
    pub(crate) fn auth_chain(&self) -> BTreeSet<OwnedEventId> {
        let mut chain = BTreeSet::new();
        let mut next: Vec<_> = self
            .state
            .values()
            .flat_map(|pdu| pdu.auth_events().to_vec())
            .collect();
        while let Some(id) = next.pop() {
            if chain.insert(id.clone()) {
                next.extend(self.events[&id].auth_events().to_vec());
            }
        }
        chain
    }
}
