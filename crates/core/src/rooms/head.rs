//! The head of a room: where the next event goes, and the state that decides whether it may.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use rohrpost_room::{AuthState, Pdu, Power};
use rohrpost_store::{EventRow, RoomRow, Tx};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, events::StateEventType};

use crate::{Refusal, Result};

/// Heads that are kept in memory.
const MAX_HEADS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");
/// State events that are kept with a head.
const MAX_KNOWN: usize = 256;

/// Type and state key.
pub type StateKey = (StateEventType, String);

/// The head of a room inside a transaction. What was read of its state so far is kept with it.
#[derive(Clone)]
pub struct Head {
    /// The stored part.
    pub room: RoomRow,
    /// The events that nothing follows yet.
    pub extremities: Vec<OwnedEventId>,
    /// Joined users of this server, in order.
    pub local_joined: Arc<[OwnedUserId]>,
    known: imbl::HashMap<StateKey, Option<Arc<Pdu>>>,
}

impl Head {
    /// The head of a room that has no events yet.
    pub(crate) fn new(room: RoomRow) -> Self {
        Self { room, extremities: Vec::new(), local_joined: Arc::new([]), known: imbl::HashMap::new() }
    }

    /// The parts of the current state that are there.
    pub async fn states(&mut self, tx: &mut Tx<'_>, keys: &[StateKey]) -> Result<AuthState> {
        let missing: Vec<StateKey> = keys.iter().filter(|key| !self.known.contains_key(*key)).cloned().collect();
        if !missing.is_empty() {
            if self.known.len() > MAX_KNOWN {
                self.known.clear();
                return Box::pin(self.states(tx, keys)).await;
            }
            let mut found: HashMap<StateKey, Arc<Pdu>> = HashMap::new();
            for row in tx.state_current_events(self.room.nid, &missing).await? {
                let key = (row.kind.as_str().into(), row.state_key.clone().unwrap_or_default());
                found.insert(key, Arc::new(pdu(&self.room.room_id, &row)?));
            }
            for key in missing {
                let event = found.remove(&key);
                self.known.insert(key, event);
            }
        }
        let known = keys.iter().filter_map(|key| Some((key.clone(), self.known.get(key)?.clone()?)));
        Ok(BTreeMap::from_iter(known))
    }

    /// One part of the current state.
    pub async fn state(&mut self, tx: &mut Tx<'_>, kind: StateEventType, state_key: &str) -> Result<Option<Arc<Pdu>>> {
        let key = (kind, state_key.to_owned());
        Ok(self.states(tx, std::slice::from_ref(&key)).await?.remove(&key))
    }

    /// Who may do what.
    pub async fn power(&mut self, tx: &mut Tx<'_>) -> Result<Power> {
        let create = self.state(tx, StateEventType::RoomCreate, "").await?;
        let levels = self.state(tx, StateEventType::RoomPowerLevels, "").await?;
        Ok(Power::new(create.as_deref(), levels.as_deref(), &self.room.version)?)
    }

    /// Notes an event that is now part of the current state.
    pub(crate) fn put_state(&mut self, pdu: &Arc<Pdu>) {
        if let Some(state_key) = pdu.state_key() {
            let key = (pdu.kind().to_string().into(), state_key.to_owned());
            self.known.insert(key, Some(Arc::clone(pdu)));
        }
    }

    /// Notes that an event was replaced by its redacted form.
    pub(crate) fn put_redacted(&mut self, redacted: &Arc<Pdu>) {
        let Some(state_key) = redacted.state_key() else { return };
        let key = (redacted.kind().to_string().into(), state_key.to_owned());
        if let Some(Some(known)) = self.known.get(&key)
            && known.event_id() == redacted.event_id()
        {
            self.known.insert(key, Some(Arc::clone(redacted)));
        }
    }
}

/// A stored event, parsed.
pub(crate) fn pdu(room_id: &RoomId, row: &EventRow) -> Result<Pdu> {
    Ok(Pdu::from_stored(room_id, &row.event_id, &row.json)?)
}

/// Heads of rooms that were used lately. A cached head is only used when its tag is the one in the database, so
/// it doesn't matter who changed the room or whether the transaction that made the head was committed.
pub(crate) struct HeadCache(Mutex<LruCache<OwnedRoomId, Head>>);

impl Default for HeadCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_HEADS)))
    }
}

impl HeadCache {
    fn cached(&self, room: &RoomRow) -> Option<Head> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let head = cache.get(&room.room_id)?;
        (head.room.tag == room.tag && head.room.nid == room.nid).then(|| head.clone())
    }

    pub(crate) fn put(&self, head: Head) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(head.room.room_id.clone(), head);
    }

    /// Keeps a head that was read, unless there is one already: a newer one must not be pushed out by a snapshot.
    fn keep(&self, head: &Head) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !cache.contains(&head.room.room_id) {
            cache.put(head.room.room_id.clone(), head.clone());
        }
    }

    async fn load(&self, tx: &mut Tx<'_>, room: RoomRow) -> Result<Head> {
        if let Some(mut head) = self.cached(&room) {
            head.room = room;
            return Ok(head);
        }
        let mut head = Head::new(room);
        head.extremities = tx.room_extremities(head.room.nid).await?.into_iter().map(|(_, id)| id).collect();
        head.local_joined = tx.membership_local_joined(head.room.nid).await?.into();
        Ok(head)
    }

    /// The head of a room, which nobody else may move until the commit.
    ///
    /// # Errors
    /// The same as for a room that the caller isn't in, when there is no such room.
    pub(crate) async fn lock(&self, tx: &mut Tx<'_>, room_id: &RoomId) -> Result<Head> {
        let room = tx.room_lock(room_id).await?.ok_or_else(Refusal::not_in_room)?;
        self.load(tx, room).await
    }

    /// The head of a room, for reading.
    pub(crate) async fn read(&self, tx: &mut Tx<'_>, room_id: &RoomId) -> Result<Head> {
        let room = tx.room_get(room_id).await?.ok_or_else(Refusal::not_in_room)?;
        let head = self.load(tx, room).await?;
        self.keep(&head);
        Ok(head)
    }
}
