//! A room as another server sees it: events are built by the rules, and need not get anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rohrpost_core::ports::Clock as _;
use rohrpost_room::{AuthState, NewEvent, Pdu, Place, build, build::room_id_before_v12, canonical_object};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedServerName, RoomId, RoomVersionId, UInt,
    UserId,
    events::StateEventType,
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash},
};
use serde_json::{Value, json};

use crate::TestServer;

/// When the events of a room are made that a stranger founded: before the clock of the tests stands, ms since the epoch.
const FOUNDED_TS: u64 = 1_767_500_000_000;

/// A room as another server sees it. A clone is a fork.
#[derive(Clone)]
pub struct ForeignRoom {
    /// Its version.
    pub version: RoomVersionId,
    /// Its id.
    pub room_id: OwnedRoomId,
    /// The present state.
    pub state: AuthState,
    /// The events that the next one follows.
    pub heads: Vec<OwnedEventId>,
    /// Every event that is known.
    pub events: BTreeMap<OwnedEventId, Arc<Pdu>>,
    depth: u64,
    now_ts: u64,
    name: OwnedServerName,
    key: Arc<Ed25519KeyPair>,
}

impl ForeignRoom {
    pub(crate) async fn of(
        server: &TestServer,
        room_id: &str,
        name: OwnedServerName,
        key: Arc<Ed25519KeyPair>,
    ) -> Self {
        let room_id = RoomId::parse(room_id).expect("a room id");
        let wanted = room_id.clone();
        let core = server.core();
        let reading = core.store.read(move |tx| {
            Box::pin(async move {
                let room = tx.room_get(&wanted).await?.expect("a room");
                let nids = tx.state_full(room.state).await?;
                let rows = tx.event_get_many(room.nid, &nids).await?;
                let heads = tx.room_extremities(room.nid).await?;
                Ok::<_, rohrpost_store::StoreError>((room, rows, heads))
            })
        });
        let (room, rows, heads) = reading.await.expect("the store works");
        let mut foreign = Self {
            version: room.version,
            room_id,
            state: AuthState::new(),
            heads: heads.into_iter().map(|(_, id)| id).collect(),
            events: BTreeMap::new(),
            depth: u64::try_from(room.depth).expect("a depth") + 1,
            now_ts: u64::from(server.clock().now().0),
            name,
            key,
        };
        for row in rows {
            let pdu = Pdu::from_stored(&foreign.room_id, &row.event_id, &row.json).expect("an event");
            let pdu = Arc::new(pdu);
            foreign.know(&pdu);
        }
        foreign
    }

    pub(crate) fn new(version: &str, creator: &str, name: OwnedServerName, key: Arc<Ed25519KeyPair>) -> Self {
        let version = RoomVersionId::try_from(version).expect("a version");
        let before = room_id_before_v12("founded", &name).expect("a room id");
        let mut room = Self {
            version: version.clone(),
            room_id: before,
            state: AuthState::new(),
            heads: Vec::new(),
            events: BTreeMap::new(),
            depth: 1,
            now_ts: FOUNDED_TS,
            name,
            key,
        };
        let content = match version {
            RoomVersionId::V10 => json!({ "room_version": version, "creator": creator }),
            _ => json!({ "room_version": version }),
        };
        let new = room.new_event(creator, "m.room.create", Some(""), content);
        let place = Place {
            version: &version,
            room_id: (version != RoomVersionId::V12).then_some(&*room.room_id),
            prev_events: &[],
            depth: 1,
        };
        let create = build(new, place, &AuthState::new(), &room.name, &room.key).expect("a create event");
        room.room_id = create.room_id().to_owned();
        room.put(&Arc::new(create));
        room.member(creator, creator, "join");
        let users = match version {
            RoomVersionId::V12 => json!({}),
            _ => json!({ creator: 100 }),
        };
        room.state_event(creator, "m.room.power_levels", "", json!({ "users": users }));
        room.state_event(creator, "m.room.join_rules", "", json!({ "join_rule": "public" }));
        room
    }

    fn new_event(&mut self, sender: &str, kind: &str, state_key: Option<&str>, content: Value) -> NewEvent {
        self.now_ts += 1;
        NewEvent {
            kind: kind.into(),
            state_key: state_key.map(ToOwned::to_owned),
            content: canonical_object(content).expect("canonical JSON"),
            sender: UserId::parse(sender).expect("a user id"),
            redacts: None,
            origin_server_ts: MilliSecondsSinceUnixEpoch(UInt::new_saturating(self.now_ts)),
        }
    }

    fn build(&self, new: NewEvent) -> Arc<Pdu> {
        let place = Place {
            version: &self.version,
            room_id: Some(&self.room_id),
            prev_events: &self.heads,
            depth: self.depth,
        };
        let built = build(new, place, &self.state, &self.name, &self.key);
        Arc::new(built.expect("an event that the room allows"))
    }

    /// Takes an event in as known, without a change of what comes next.
    pub fn know(&mut self, pdu: &Arc<Pdu>) {
        self.events.insert(pdu.event_id().to_owned(), Arc::clone(pdu));
        if let Some(state_key) = pdu.state_key() {
            let key = (StateEventType::from(pdu.kind().to_string()), state_key.to_owned());
            self.state.insert(key, Arc::clone(pdu));
        }
    }

    /// Takes an event in as the newest.
    pub fn put(&mut self, pdu: &Arc<Pdu>) {
        self.know(pdu);
        self.heads = vec![pdu.event_id().to_owned()];
        self.depth = self.depth.max(pdu.depth()) + 1;
    }

    /// Lets the next event follow the heads of another fork, too. The state stays.
    pub fn merge(&mut self, other: &Self) {
        self.heads.extend(other.heads.iter().cloned());
        self.events.extend(other.events.clone());
        self.depth = self.depth.max(other.depth);
    }

    /// Sends a text.
    pub fn text(&mut self, sender: &str, body: &str) -> Arc<Pdu> {
        self.event(
            sender,
            "m.room.message",
            json!({ "msgtype": "m.text", "body": body }),
        )
    }

    /// Sends an event that isn't state.
    pub fn event(&mut self, sender: &str, kind: &str, content: Value) -> Arc<Pdu> {
        let new = self.new_event(sender, kind, None, content);
        let pdu = self.build(new);
        self.put(&pdu);
        pdu
    }

    /// Redacts an event.
    pub fn redact(&mut self, sender: &str, target: &Pdu) -> Arc<Pdu> {
        let mut new = self.new_event(sender, "m.room.redaction", None, json!({}));
        new.redacts = Some(target.event_id().to_owned());
        let pdu = self.build(new);
        self.put(&pdu);
        pdu
    }

    /// Sets a state event.
    pub fn state_event(&mut self, sender: &str, kind: &str, state_key: &str, content: Value) -> Arc<Pdu> {
        let new = self.new_event(sender, kind, Some(state_key), content);
        let pdu = self.build(new);
        self.put(&pdu);
        pdu
    }

    /// Changes a membership.
    pub fn member(&mut self, sender: &str, target: &str, membership: &str) -> Arc<Pdu> {
        self.state_event(
            sender,
            "m.room.member",
            target,
            json!({ "membership": membership }),
        )
    }

    /// The same event with changes, hashed and signed anew, whatever the room allows.
    pub fn resign(&self, pdu: &Pdu, change: impl FnOnce(&mut Value)) -> Arc<Pdu> {
        let mut event: Value = serde_json::from_str(pdu.json()).expect("JSON");
        change(&mut event);
        let event = event.as_object_mut().expect("an object");
        event.remove("hashes");
        event.remove("signatures");
        let mut object: ruma::CanonicalJsonObject =
            serde_json::from_value(json!(event)).expect("canonical JSON");
        let rules = rohrpost_room::rules(&self.version).expect("a version");
        hash_and_sign_event(self.name.as_str(), &*self.key, &mut object, &rules.redaction)
            .expect("a signature");
        let hash = reference_hash(&object, rules).expect("a hash");
        let event_id = ruma::EventId::new_v2_or_v3(&hash).expect("an event id");
        let json = serde_json::to_string(&object).expect("JSON");
        Arc::new(Pdu::from_stored(&self.room_id, &event_id, &json).expect("an event"))
    }

    /// Every event that the state stands on, without those of the state.
    #[must_use]
    pub fn auth_chain(&self) -> Vec<Arc<Pdu>> {
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
            .into_iter()
            .map(|id| Arc::clone(&self.events[&id]))
            .collect()
    }

    /// The answer to `send_join` of somebody who joins now.
    #[must_use]
    pub fn join_answer(&self) -> Value {
        let json = |pdu: &Arc<Pdu>| serde_json::from_str::<Value>(pdu.json()).expect("JSON");
        json!({
            "state": self.state.values().map(json).collect::<Vec<_>>(),
            "auth_chain": self.auth_chain().iter().map(json).collect::<Vec<_>>(),
            "members_omitted": false,
            "servers_in_room": [self.name],
        })
    }

    /// The template of a membership of somebody elsewhere.
    #[must_use]
    pub fn template(&self, user: &str, membership: &str) -> Value {
        let auth: Vec<_> = [
            ("m.room.create", ""),
            ("m.room.power_levels", ""),
            ("m.room.join_rules", ""),
            ("m.room.member", user),
        ]
        .into_iter()
        .filter(|(kind, _)| *kind != "m.room.create" || self.version != RoomVersionId::V12)
        .filter_map(|(kind, key)| self.state.get(&(kind.into(), key.to_owned())))
        .map(|pdu| pdu.event_id())
        .collect();
        json!({
            "room_version": self.version,
            "event": {
                "room_id": self.room_id, "type": "m.room.member", "sender": user, "state_key": user,
                "content": { "membership": membership }, "prev_events": self.heads, "auth_events": auth,
                "depth": self.depth, "origin_server_ts": self.now_ts, "origin": self.name,
            },
        })
    }
}
