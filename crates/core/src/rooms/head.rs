//! The head of a room: where the next event goes, and the state that decides whether it may.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use rohrpost_room::{AuthState, Pdu, Power};
use rohrpost_store::{EventRow, RoomRow, Tx};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, events::StateEventType};

use crate::{Refusal, Result};

/// Heads that are kept in memory.
const MAX_HEADS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");
/// How large the heads that are kept may be together, in bytes, roughly: one user can fill a room with state.
const MAX_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// State events that are kept with a head.
const MAX_KNOWN: usize = 256;
/// How large they may be together, in bytes, roughly, before they are read anew.
const MAX_KNOWN_BYTES: usize = 4 * 1024 * 1024;

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
    known_bytes: usize,
}

impl Head {
    /// The head of a room that has no events yet.
    pub(crate) fn new(room: RoomRow) -> Self {
        Self {
            room,
            extremities: Vec::new(),
            local_joined: Arc::new([]),
            known: imbl::HashMap::new(),
            known_bytes: 0,
        }
    }

    fn learn(&mut self, key: StateKey, event: Option<Arc<Pdu>>) {
        self.known_bytes += entry_bytes(event.as_deref());
        if let Some(old) = self.known.insert(key, event) {
            self.known_bytes -= entry_bytes(old.as_deref());
        }
    }

    /// How much memory it takes, roughly.
    fn bytes(&self) -> usize {
        self.known_bytes + 64 * (self.local_joined.len() + self.extremities.len()) + 512
    }

    /// The parts of the current state that are there.
    pub async fn states(&mut self, tx: &mut Tx<'_>, keys: &[StateKey]) -> Result<AuthState> {
        let missing: Vec<StateKey> = keys
            .iter()
            .filter(|key| !self.known.contains_key(*key))
            .cloned()
            .collect();
        if !missing.is_empty() {
            if self.known.len() > MAX_KNOWN || self.known_bytes > MAX_KNOWN_BYTES {
                self.known.clear();
                self.known_bytes = 0;
                return Box::pin(self.states(tx, keys)).await;
            }
            let mut found: HashMap<StateKey, Arc<Pdu>> = HashMap::new();
            for row in tx.state_current_events(self.room.nid, &missing).await? {
                let key = (
                    row.kind.as_str().into(),
                    row.state_key.clone().unwrap_or_default(),
                );
                found.insert(key, Arc::new(pdu(&self.room.room_id, &row)?));
            }
            for key in missing {
                let event = found.remove(&key);
                self.learn(key, event);
            }
        }
        let known = keys
            .iter()
            .filter_map(|key| Some((key.clone(), self.known.get(key)?.clone()?)));
        Ok(BTreeMap::from_iter(known))
    }

    /// One part of the current state.
    pub async fn state(
        &mut self,
        tx: &mut Tx<'_>,
        kind: StateEventType,
        state_key: &str,
    ) -> Result<Option<Arc<Pdu>>> {
        let key = (kind, state_key.to_owned());
        Ok(self.states(tx, std::slice::from_ref(&key)).await?.remove(&key))
    }

    /// Who may do what.
    pub async fn power(&mut self, tx: &mut Tx<'_>) -> Result<Power> {
        let create = self.state(tx, StateEventType::RoomCreate, "").await?;
        let levels = self.state(tx, StateEventType::RoomPowerLevels, "").await?;
        Ok(Power::new(
            create.as_deref(),
            levels.as_deref(),
            &self.room.version,
        )?)
    }

    /// Notes an event that is now part of the current state.
    pub(crate) fn put_state(&mut self, pdu: &Arc<Pdu>) {
        if let Some(state_key) = pdu.state_key() {
            let key = (pdu.kind().to_string().into(), state_key.to_owned());
            self.learn(key, Some(Arc::clone(pdu)));
        }
    }

    /// Forgets a part of the state, to be read anew.
    pub(crate) fn forget_state(&mut self, kind: &StateEventType, state_key: &str) {
        if let Some(old) = self.known.remove(&(kind.clone(), state_key.to_owned())) {
            self.known_bytes -= entry_bytes(old.as_deref());
        }
    }

    /// Forgets the state that was read, to be read anew.
    pub(crate) fn forget_states(&mut self) {
        self.known.clear();
        self.known_bytes = 0;
    }

    /// Notes that an event was replaced by its redacted form.
    pub(crate) fn put_redacted(&mut self, redacted: &Arc<Pdu>) {
        let Some(state_key) = redacted.state_key() else {
            return;
        };
        let key = (redacted.kind().to_string().into(), state_key.to_owned());
        if let Some(Some(known)) = self.known.get(&key)
            && known.event_id() == redacted.event_id()
        {
            self.learn(key, Some(Arc::clone(redacted)));
        }
    }
}

/// How much memory a known part of the state takes, roughly: its key, and the event with what was parsed of it.
fn entry_bytes(event: Option<&Pdu>) -> usize {
    256 + event.map_or(0, |event| 512 + 2 * event.content().get().len())
}

/// A stored event, parsed.
pub(crate) fn pdu(room_id: &RoomId, row: &EventRow) -> Result<Pdu> {
    Ok(Pdu::from_stored(room_id, &row.event_id, &row.json)?)
}

/// Heads of rooms that were used lately. A cached head is only used when its tag is the one in the database, so
/// it doesn't matter who changed the room or whether the transaction that made the head was committed.
pub(crate) struct HeadCache(Mutex<Heads>);

struct Heads {
    by_room: LruCache<OwnedRoomId, Head>,
    bytes: usize,
}

impl Heads {
    fn put(&mut self, head: Head) {
        self.bytes += head.bytes();
        // What comes out is what it replaces, or what was not used for longest.
        if let Some((_, old)) = self.by_room.push(head.room.room_id.clone(), head) {
            self.bytes -= old.bytes();
        }
        while self.bytes > MAX_CACHE_BYTES
            && let Some((_, old)) = self.by_room.pop_lru()
        {
            self.bytes -= old.bytes();
        }
    }
}

impl Default for HeadCache {
    fn default() -> Self {
        Self(Mutex::new(Heads {
            by_room: LruCache::new(MAX_HEADS),
            bytes: 0,
        }))
    }
}

impl HeadCache {
    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, room: &RoomRow) -> Option<Head> {
        let mut heads = self.heads();
        let head = heads.by_room.get(&room.room_id)?;
        (head.room.tag == room.tag && head.room.nid == room.nid).then(|| head.clone())
    }

    pub(crate) fn put(&self, head: Head) {
        self.heads().put(head);
    }

    /// Keeps a head that was read, unless there is one already: a newer one must not be pushed out by a snapshot.
    fn keep(&self, head: &Head) {
        let mut heads = self.heads();
        if !heads.by_room.contains(&head.room.room_id) {
            heads.put(head.clone());
        }
    }

    async fn load(&self, tx: &mut Tx<'_>, room: RoomRow) -> Result<Head> {
        if let Some(mut head) = self.cached(&room) {
            head.room = room;
            return Ok(head);
        }
        let mut head = Head::new(room);
        head.extremities = tx
            .room_extremities(head.room.nid)
            .await?
            .into_iter()
            .map(|(_, id)| id)
            .collect();
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

    /// The head of a room, for one look among many: it doesn't push others out of memory.
    pub(crate) async fn peek(&self, tx: &mut Tx<'_>, room_id: &RoomId) -> Result<Option<Head>> {
        match tx.room_get(room_id).await? {
            Some(room) => self.load(tx, room).await.map(Some),
            None => Ok(None),
        }
    }

    /// The head of a room, for reading.
    pub(crate) async fn read(&self, tx: &mut Tx<'_>, room_id: &RoomId) -> Result<Head> {
        let room = tx.room_get(room_id).await?.ok_or_else(Refusal::not_in_room)?;
        let head = self.load(tx, room).await?;
        self.keep(&head);
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rohrpost_store::{RoomNid, RoomRow, StateNid, StreamPos};
    use ruma::{RoomId, RoomVersionId, event_id};

    use super::{Head, HeadCache, MAX_CACHE_BYTES, MAX_KNOWN_BYTES, Pdu};

    /// A head that knows so many state events of 60 kB.
    fn head(number: i64, events: usize) -> Head {
        let room_id = RoomId::parse(format!("!room{number}:example.org")).expect("a room id");
        let mut head = Head::new(RoomRow {
            nid: RoomNid(number),
            room_id: room_id.clone(),
            version: RoomVersionId::V11,
            kind: None,
            tag: 1,
            state: StateNid(0),
            depth: 1,
            last_pos: StreamPos(1),
            ever_encrypted: false,
            is_public: false,
            bump_pos: StreamPos(1),
        });
        for key in 0..events {
            let text = "x".repeat(60_000);
            let json = format!(
                r#"{{"auth_events":[],"content":{{"text":"{text}"}},"depth":1,"origin_server_ts":1,"prev_events":[],
                   "sender":"@anna:example.org","state_key":"{key}","type":"org.example.large"}}"#
            );
            let event_id = event_id!("$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq");
            head.put_state(&Arc::new(
                Pdu::from_stored(&room_id, event_id, &json).expect("an event"),
            ));
        }
        head
    }

    fn count(cache: &HeadCache) -> (usize, usize) {
        let heads = cache.heads();
        let weighed: usize = heads.by_room.iter().map(|(_, head)| head.bytes()).sum();
        assert_eq!(heads.bytes, weighed);
        (heads.by_room.len(), heads.bytes)
    }

    #[test]
    fn large_heads_push_out_those_that_were_not_used_for_longest() {
        let cache = HeadCache::default();
        let large = head(0, 20);
        for number in 0..50 {
            let mut head = large.clone();
            head.room.room_id = RoomId::parse(format!("!room{number}:example.org")).expect("a room id");
            cache.put(head);
            assert!(count(&cache).1 <= MAX_CACHE_BYTES);
        }
        let (heads, bytes) = count(&cache);
        assert!(
            (20..30).contains(&heads) && bytes > MAX_CACHE_BYTES / 2,
            "{heads} {bytes}"
        );
        assert!(cache.cached(&large.room).is_none(), "the first one went");
        for _ in 0..50 {
            cache.put(head(7, 1));
            cache.keep(&head(8, 1));
        }
        assert!(count(&cache).0 <= heads + 2);
    }

    #[test]
    fn what_takes_the_place_of_something_is_weighed_once() {
        let mut head = head(1, 3);
        let before = head.known_bytes;
        let events: Vec<_> = head.known.values().flatten().cloned().collect();
        events.iter().for_each(|event| head.put_state(event));
        assert_eq!(head.known_bytes, before);
        assert!((3 * 120_000..MAX_KNOWN_BYTES).contains(&before));
    }
}
