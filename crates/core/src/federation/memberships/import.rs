//! Takes a room in that another server handed over with a join.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rohrpost_room::{
    AuthState, Pdu,
    receive::{allowed_by, auth_state},
};
use rohrpost_store::{EventNid, EventStatus, NewEventRow, Settled, StatePair, Tx, Work};
use ruma::{
    OwnedEventId, OwnedUserId, RoomVersionId,
    events::{StateEventType, room::create::RoomCreateEventContent},
};

use super::outside::known_room;
use crate::{
    Refusal, Result, Server,
    federation::accept::{keep_outliers, known_state, shift},
    rooms::{
        append::{advance, enter},
        carry_over::carry_over,
        head::StateKey,
    },
};

/// What was handed over; every event is verified.
pub(super) struct Handed {
    pub(super) user_id: OwnedUserId,
    pub(super) version: RoomVersionId,
    pub(super) join: Arc<Pdu>,
    pub(super) state: Vec<Arc<Pdu>>,
    pub(super) chain: Vec<Arc<Pdu>>,
}

/// Keeps the room: first the events of its state and what they stand on, then in one unit of work the state, who is in
/// the room, and the join.
///
/// # Errors
/// `Elsewhere` when the state isn't one, or doesn't allow the join.
pub(super) async fn import(server: &Arc<Server>, handed: Handed) -> Result<()> {
    let state = state_map(&handed)?;
    check(&handed, &state)?;
    let create = state
        .get(&(StateEventType::RoomCreate, String::new()))
        .and_then(|create| create.content_as::<RoomCreateEventContent>().ok());
    let make = Make {
        join: Arc::clone(&handed.join),
        version: handed.version.clone(),
        kind: create
            .and_then(|content| content.room_type)
            .map(|kind| kind.to_string()),
    };
    server.store.write(make).await?;
    let room_id = handed.join.room_id().to_owned();
    let events = handed.state.into_iter().chain(handed.chain);
    keep_outliers(server, &room_id, events.collect()).await?;
    let unit = Arrive {
        server: Arc::clone(server),
        user_id: handed.user_id,
        join: handed.join,
        state,
    };
    server.store.write(unit).await
}

fn cant_be(why: &str) -> Refusal {
    tracing::info!(why, "what another server tells of a room can't be used");
    Refusal::Elsewhere("the other server tells of the room what can't be".to_owned())
}

/// The state before the join.
fn state_map(handed: &Handed) -> Result<BTreeMap<StateKey, Arc<Pdu>>> {
    let mut state = BTreeMap::new();
    for event in &handed.state {
        let state_key = event
            .state_key()
            .ok_or_else(|| cant_be("a message is part of the state"))?;
        let key = (event.kind().to_string().into(), state_key.to_owned());
        if state.insert(key, Arc::clone(event)).is_some() {
            return Err(cant_be("two events stand at one place of the state"));
        }
    }
    Ok(state)
}

/// Whether the join is allowed by its auth events and by the state, as far as that can be said before anything is kept.
fn check(handed: &Handed, state: &AuthState) -> Result<()> {
    let events: HashMap<&ruma::EventId, &Arc<Pdu>> = handed
        .state
        .iter()
        .chain(&handed.chain)
        .map(|event| (event.event_id(), event))
        .collect();
    let auth = auth_state(&handed.join, &handed.version, |id| {
        events.get(id).map(|event| Arc::clone(event))
    });
    auth.map_err(|error| cant_be(&error.to_string()))?;
    allowed_by(&handed.join, &handed.version, state).map_err(|error| cant_be(&error.to_string()))
}

/// Makes the room known.
struct Make {
    join: Arc<Pdu>,
    version: RoomVersionId,
    kind: Option<String>,
}

impl Work for Make {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        known_room(tx, self.join.room_id(), &self.version, self.kind.as_deref()).await?;
        Ok(())
    }
}

/// Comes into the room.
struct Arrive {
    server: Arc<Server>,
    user_id: OwnedUserId,
    join: Arc<Pdu>,
    state: BTreeMap<StateKey, Arc<Pdu>>,
}

impl Work for Arrive {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Self { server, join, .. } = self;
        let mut head = server.heads.lock(tx, join.room_id()).await?;
        let room = head.room.nid;
        let ids = self.state.values().map(|event| event.event_id());
        let standings: HashMap<OwnedEventId, (EventNid, EventStatus)> = tx
            .event_standings(room, ids)
            .await?
            .into_iter()
            .map(|(id, nid, status)| (id, (nid, status)))
            .collect();
        let mut at_hand: HashMap<EventNid, Arc<Pdu>> = HashMap::with_capacity(self.state.len() + 1);
        let mut pairs: Vec<(StateKey, EventNid)> = Vec::with_capacity(self.state.len());
        let mut allowed = AuthState::new();
        for (key, event) in &self.state {
            // Rejected ones are part of no state; those whose auth events are missing weren't kept.
            if let Some((nid, EventStatus::Accepted)) = standings.get(event.event_id()) {
                pairs.push((key.clone(), *nid));
                at_hand.insert(*nid, Arc::clone(event));
                allowed.insert(key.clone(), Arc::clone(event));
            }
        }
        allowed_by(join, &head.room.version, &allowed).map_err(|error| cant_be(&error.to_string()))?;
        let state_before = known_state(tx, room, &pairs).await?;

        let pos = tx.pos_next().await?;
        let kind = StateEventType::RoomMember;
        let replaces = self
            .state
            .get(&(kind.clone(), self.user_id.to_string()))
            .and_then(|event| standings.get(event.event_id()))
            .map(|(nid, _)| *nid);
        let known = tx.event_numbers(room, [join.event_id()]).await?;
        let nid = match known.first() {
            Some((_, nid)) => {
                let settled = Settled {
                    pos: Some(pos),
                    state_before,
                    status: EventStatus::Accepted,
                    replaces,
                };
                tx.event_settle(room, *nid, &settled).await?;
                *nid
            }
            None => {
                let nid = EventNid(pos.0);
                let name = join.kind().to_string();
                let row = NewEventRow {
                    nid,
                    event_id: join.event_id(),
                    pos: Some(pos),
                    kind: &name,
                    state_key: join.state_key(),
                    sender: join.sender(),
                    origin_server_ts: i64::from(join.origin_server_ts().0),
                    state_before,
                    status: EventStatus::Accepted,
                    txn: None,
                    replaces,
                    json: join.json(),
                };
                tx.event_insert(room, &row).await?;
                nid
            }
        };
        tx.outbox_pass(nid, false).await?;
        let key = tx.state_key_intern(&kind, self.user_id.as_str()).await?;
        let pair = StatePair { key, event: nid };
        let state = tx.state_put(room, state_before, &[pair]).await?;
        let changes = tx.state_diff(head.room.state, state).await?;
        head.room.state = state;
        at_hand.insert(nid, Arc::clone(join));
        head.forget_states();
        shift(server, tx, &mut head, &changes, at_hand, pos).await?;
        enter(server, tx, &mut head, join, (nid, pos)).await?;
        let before: BTreeSet<OwnedEventId> = join.prev_events().iter().cloned().collect();
        tx.backward_extremity_put(room, &Vec::from_iter(before)).await?;
        tx.stripped_state_delete(&self.user_id, room).await?;
        advance(server, &mut head, join, pos);
        head.room.bump_pos = pos;
        tx.room_advance_to(&head.room, &[(nid, join.event_id().to_owned())])
            .await?;
        head.extremities = vec![join.event_id().to_owned()];
        tx.wake_user(&self.user_id);
        server.heads.put(head.clone());
        carry_over(tx, &mut head, &self.user_id).await
    }
}
