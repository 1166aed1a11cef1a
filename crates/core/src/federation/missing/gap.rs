//! The state at a gap: where the events before one can't all be had, another server says what the state is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rohrpost_room::receive::{allowed_by, needed_state};
use rohrpost_store::{EventNid, EventStatus, RoomRow, Settled, Tx, Work};
use ruma::{
    OwnedEventId,
    api::federation::event::{get_room_state, get_room_state_ids},
};

use super::Asking;
use crate::{
    Refusal, Result, Server,
    federation::accept::known_state,
    rooms::head::{StateKey, pdu},
};

/// Events that a state and its auth chain may have.
const MAX_STATE: usize = 100_000;
/// Longest answers, in bytes.
const MAX_IDS_BYTES: usize = 16 * 1024 * 1024;
const MAX_STATE_BYTES: usize = 128 * 1024 * 1024;
/// Longest time for one.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Up to so many unknown events of a state are asked for one by one.
const FEW: usize = 50;

impl Asking<'_> {
    /// Finds out the state before an event that the room goes on after, and the event itself, so that what follows it can
    /// be placed. It gets no place in the timeline.
    pub(super) async fn fetch_gap(&mut self, event_id: &OwnedEventId) -> Result<()> {
        let now_ts = self.server.now_ts();
        let unobtainable = &self.server.incoming.unobtainable;
        if unobtainable.has(self.from, event_id, now_ts) || !self.may_ask() {
            return Ok(());
        }
        if !self.try_gap(event_id).await? {
            unobtainable.put(self.from, event_id.clone(), now_ts);
        }
        Ok(())
    }

    async fn try_gap(&self, event_id: &OwnedEventId) -> Result<bool> {
        let room_id = self.room.room_id.clone();
        let request = get_room_state_ids::v1::Request::new(event_id.clone(), room_id);
        let answer = self
            .server
            .ask_within(self.from, request, (MAX_IDS_BYTES, TIMEOUT))
            .await;
        let named = match answer {
            Ok(named) if named.pdu_ids.len() + named.auth_chain_ids.len() <= MAX_STATE => named,
            Ok(_) => return Ok(false),
            Err(error) => {
                tracing::debug!(%error, "the state in a gap can't be fetched");
                return Ok(false);
            }
        };
        let mut ids: BTreeSet<OwnedEventId> = named.pdu_ids.iter().cloned().collect();
        ids.extend(named.auth_chain_ids);
        let unknown = self.unknown(&ids).await?;
        match unknown.len() {
            0 => {}
            1..=FEW => self.fetch_single(&unknown).await?,
            _ => self.fetch_state(event_id, &unknown).await?,
        }
        let own = BTreeSet::from([event_id.clone()]);
        if !self.unknown(&own).await?.is_empty() {
            self.fetch_single(&own).await?;
        }
        let unit = Place {
            server: Arc::clone(self.server),
            room: self.room.clone(),
            event_id: event_id.clone(),
            state: named.pdu_ids,
        };
        self.server.store.write(unit).await
    }

    /// Fetches a state as a whole, and keeps what of it was named before and isn't known.
    async fn fetch_state(&self, event_id: &OwnedEventId, unknown: &BTreeSet<OwnedEventId>) -> Result<()> {
        let request = get_room_state::v1::Request::new(event_id.clone(), self.room.room_id.clone());
        let answer = self
            .server
            .ask_within(self.from, request, (MAX_STATE_BYTES, TIMEOUT))
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "the state in a gap can't be fetched");
                return Ok(());
            }
        };
        let events = answer.pdus.into_iter().chain(answer.auth_chain);
        let mut events = self.read(events.take(MAX_STATE));
        let mut taken = BTreeSet::new();
        events.retain(|event| {
            let id = event.event_id();
            unknown.contains(id) && taken.insert(id.to_owned())
        });
        self.keep(events).await
    }
}

/// Notes the state before an event. `false`: too little of it could be had.
struct Place {
    server: Arc<Server>,
    room: RoomRow,
    event_id: OwnedEventId,
    state: Vec<OwnedEventId>,
}

impl Work for Place {
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let room = self.room.nid;
        self.server.heads.lock(tx, &self.room.room_id).await?;
        let Some(event) = tx.event_get(room, &self.event_id).await? else {
            return Ok(false);
        };
        if event.state_before.is_known() {
            return Ok(true);
        }
        let mut state: BTreeMap<StateKey, EventNid> = BTreeMap::new();
        for row in tx.event_get_each(room, self.state.iter().map(|id| &**id)).await? {
            if row.status != EventStatus::Rejected
                && let Some(state_key) = row.state_key
            {
                state
                    .entry((row.kind.as_str().into(), state_key))
                    .or_insert(row.nid);
            }
        }
        // Without these, everything that follows would be refused, and stay so.
        let create = (ruma::events::StateEventType::RoomCreate, String::new());
        if !state.contains_key(&create) {
            return Ok(false);
        }
        let pairs: Vec<(StateKey, EventNid)> = state.into_iter().collect();
        let state_before = known_state(tx, room, &pairs).await?;
        let mut status = event.status;
        if status == EventStatus::Accepted {
            let parsed = pdu(&self.room.room_id, &event)?;
            let needed = needed_state(&parsed, &self.room.version).unwrap_or_default();
            let needed: Vec<StateKey> = needed.into_iter().collect();
            let nids = tx.state_find_each(state_before, &needed).await?;
            let mut before = rohrpost_room::AuthState::new();
            for row in tx.event_get_many(room, &nids).await? {
                let key = (
                    row.kind.as_str().into(),
                    row.state_key.clone().unwrap_or_default(),
                );
                before.insert(key, Arc::new(pdu(&self.room.room_id, &row)?));
            }
            if allowed_by(&parsed, &self.room.version, &before).is_err() {
                status = EventStatus::Rejected;
            }
        }
        let settled = Settled {
            pos: None,
            state_before,
            status,
            replaces: None,
        };
        tx.event_settle(room, event.nid, &settled).await?;
        Ok(true)
    }
}
