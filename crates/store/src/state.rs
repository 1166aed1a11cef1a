//! Room states: which event stands at each (type, state key).
//!
//! The current state is spelled out in `current_state`. Every state that an event was ever sent at is kept as a
//! chain of layers: a layer holds pairs (interned key, event) that lie over those of its parent. A new layer
//! swallows its parent while it is at least half as large, so each layer is more than twice the size of the one
//! above it, a chain is at most log2(entries) + 1 long, and a change costs 50 to 110 bytes on average.

use std::collections::BTreeMap;

use ruma::{OwnedEventId, events::StateEventType};
use sha2::{Digest, Sha256};

use crate::{
    EventNid, EventRow, Result, RoomNid, StoreError, StreamPos, Tx,
    value::{Value, params},
};

/// The number a state is stored under; 0 is the state before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateNid(pub i64);

impl StateNid {
    /// The state before an event is not known: it was handed over as a part of a state.
    pub const UNKNOWN: Self = Self(-1);

    /// Whether the state is known.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }
}

/// Where two states differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The type.
    pub kind: StateEventType,
    /// The state key.
    pub state_key: String,
    /// The event in the first state.
    pub old: Option<EventNid>,
    /// The event in the second.
    pub new: Option<EventNid>,
}

/// One change of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatePair {
    /// The interned (type, state key).
    pub key: i64,
    /// The event that stands there now; 0: nothing.
    pub event: EventNid,
}

/// One entry of the current state.
#[derive(Clone, Debug)]
pub struct StateEntry {
    /// The type.
    pub kind: StateEventType,
    /// The state key.
    pub state_key: String,
    /// The event that stands there.
    pub event: EventNid,
    /// When this entry last changed.
    pub pos: StreamPos,
}

/// A layer as it is stored.
struct Layer {
    nid: StateNid,
    hash: [u64; 4],
    /// Pairs of 16 bytes, sorted by key.
    pairs: Vec<u8>,
}

impl Layer {
    fn len(&self) -> usize {
        self.pairs.len() / 16
    }

    /// What this layer says about a key: `Some(0)` if it removes what is under it.
    fn find(&self, key: i64) -> Option<EventNid> {
        let (pairs, _) = self.pairs.as_chunks::<16>();
        let index = pairs
            .binary_search_by_key(&key, |pair| decode_pair(pair).key)
            .ok()?;
        Some(decode_pair(&pairs[index]).event)
    }

    fn decode(&self) -> Vec<StatePair> {
        self.pairs.as_chunks::<16>().0.iter().map(decode_pair).collect()
    }
}

/// The event at a key in a chain of layers, topmost first; 0: nothing.
fn find(chain: &[Layer], key: i64) -> EventNid {
    chain
        .iter()
        .find_map(|layer| layer.find(key))
        .unwrap_or(EventNid(0))
}

fn int<const N: usize>(bytes: &[u8; N]) -> i64 {
    bytes.iter().fold(0, |int, byte| (int << 8) | i64::from(*byte))
}

fn decode_pair(bytes: &[u8; 16]) -> StatePair {
    let (halves, _) = bytes.as_chunks::<8>();
    StatePair {
        key: int(&halves[0]),
        event: EventNid(int(&halves[1])),
    }
}

fn encode(pairs: &[StatePair]) -> Vec<u8> {
    pairs
        .iter()
        .flat_map(|pair| [pair.key.to_be_bytes(), pair.event.0.to_be_bytes()])
        .flatten()
        .collect()
}

/// `over` laid over `under`. Of several pairs with one key in `over`, the last counts.
fn merge(under: &[StatePair], over: &[StatePair]) -> Vec<StatePair> {
    let pairs = under.iter().chain(over).map(|pair| (pair.key, pair.event));
    BTreeMap::from_iter(pairs)
        .into_iter()
        .map(|(key, event)| StatePair { key, event })
        .collect()
}

/// Adds or takes away a pair from the hash of a set. The hash is a sum, so it doesn't depend on the order and a
/// change costs the same in a room of any size. Event numbers are ours, nobody else can choose them.
fn stir(hash: &mut [u64; 4], pair: StatePair, add: bool) {
    if pair.event.0 == 0 {
        return;
    }
    let digest = Sha256::digest(encode(&[pair]));
    for (lane, bytes) in hash.iter_mut().zip(digest.chunks_exact(8)) {
        let part = bytes
            .iter()
            .fold(0_u64, |int, byte| (int << 8) | u64::from(*byte));
        *lane = if add {
            lane.wrapping_add(part)
        } else {
            lane.wrapping_sub(part)
        };
    }
}

impl Tx<'_> {
    /// The number of a (type, state key), made if needed.
    pub async fn state_key_intern(&mut self, kind: &StateEventType, state_key: &str) -> Result<i64> {
        let kind = kind.to_string();
        if let Some(nid) = self.state_key_find(&kind, state_key).await? {
            return Ok(nid);
        }
        // Two may make it at once; the one that comes second reads what the first made.
        let sql = "INSERT INTO state_keys (kind, state_key) VALUES ($1, $2) \
                   ON CONFLICT (kind, state_key) DO UPDATE SET kind = excluded.kind RETURNING nid";
        self.query_one(sql, params![&kind, state_key]).await?.get(0)
    }

    async fn state_key_find(&mut self, kind: &str, state_key: &str) -> Result<Option<i64>> {
        let sql = "SELECT nid FROM state_keys WHERE kind = $1 AND state_key = $2";
        self.query_opt(sql, params![kind, state_key])
            .await?
            .map(|row| row.get(0))
            .transpose()
    }

    /// The layers of a state, topmost first.
    async fn state_chain(&mut self, state: StateNid) -> Result<Vec<Layer>> {
        let mut chain = Vec::new();
        // An unknown state holds nothing that could be told.
        let mut next = (state.0 > 0).then_some(state);
        while let Some(nid) = next {
            let row = self
                .query_opt(
                    "SELECT hash, parent, layer FROM states WHERE nid = $1",
                    params![nid.0],
                )
                .await?;
            let Some(row) = row else {
                return Err(StoreError::inconsistent("states", "nid", "no such state"));
            };
            let (hash, parent, pairs): (Vec<u8>, Option<i64>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if !pairs.len().is_multiple_of(16) {
                return Err(StoreError::inconsistent(
                    "states",
                    "layer",
                    "not a multiple of 16 bytes",
                ));
            }
            let mut lanes = [0_u64; 4];
            for (lane, bytes) in lanes.iter_mut().zip(hash.as_chunks::<8>().0) {
                *lane = int(bytes).cast_unsigned();
            }
            chain.push(Layer {
                nid,
                hash: lanes,
                pairs,
            });
            next = parent.map(StateNid);
        }
        Ok(chain)
    }

    /// The state that `parent` becomes by `changes`, the last of those at one key. The same state is stored once.
    pub async fn state_put(
        &mut self,
        room: RoomNid,
        parent: StateNid,
        changes: &[StatePair],
    ) -> Result<StateNid> {
        let chain = self.state_chain(parent).await?;
        let mut pairs = merge(&[], changes);
        let mut hash = chain.first().map_or([0; 4], |layer| layer.hash);
        for change in &pairs {
            let (key, event) = (change.key, find(&chain, change.key));
            stir(&mut hash, StatePair { key, event }, false);
            stir(&mut hash, *change, true);
        }
        if hash == [0; 4] {
            return Ok(StateNid(0));
        }
        let hash: Vec<u8> = hash.iter().flat_map(|lane| lane.to_be_bytes()).collect();
        let known = "SELECT nid FROM states WHERE room_nid = $1 AND hash = $2";
        if let Some(row) = self.query_opt(known, params![room, &hash]).await? {
            return Ok(StateNid(row.get(0)?));
        }

        let mut under = chain.iter().peekable();
        while let Some(layer) = under.next_if(|layer| pairs.len() * 2 >= layer.len()) {
            pairs = merge(&layer.decode(), &pairs);
        }
        let parent = under.peek().map(|layer| layer.nid.0);
        if parent.is_none() {
            pairs.retain(|pair| pair.event.0 != 0);
        }
        let sql = "INSERT INTO states (room_nid, hash, parent, layer) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (room_nid, hash) DO UPDATE SET hash = excluded.hash RETURNING nid";
        Ok(StateNid(
            self.query_one(sql, params![room, &hash, parent, &encode(&pairs)])
                .await?
                .get(0)?,
        ))
    }

    /// The event at (type, state key) in a state.
    pub async fn state_find(
        &mut self,
        state: StateNid,
        kind: &StateEventType,
        state_key: &str,
    ) -> Result<Option<EventNid>> {
        let Some(key) = self.state_key_find(&kind.to_string(), state_key).await? else {
            return Ok(None);
        };
        let event = find(&self.state_chain(state).await?, key);
        Ok((event.0 != 0).then_some(event))
    }

    /// All events of a state.
    pub async fn state_full(&mut self, state: StateNid) -> Result<Vec<EventNid>> {
        let chain = self.state_chain(state).await?;
        let pairs = chain.iter().rev().flat_map(Layer::decode);
        let full = BTreeMap::from_iter(pairs.map(|pair| (pair.key, pair.event)));
        Ok(full.into_values().filter(|event| event.0 != 0).collect())
    }

    /// The pairs of a state, in the order of their keys.
    pub async fn state_pairs(&mut self, state: StateNid) -> Result<Vec<StatePair>> {
        let chain = self.state_chain(state).await?;
        let pairs: Vec<StatePair> = chain.iter().rev().flat_map(Layer::decode).collect();
        let mut full = merge(&[], &pairs);
        full.retain(|pair| pair.event.0 != 0);
        Ok(full)
    }

    /// The events at several (type, state key) in a state; absent ones are left out.
    pub async fn state_find_each(
        &mut self,
        state: StateNid,
        keys: &[(StateEventType, String)],
    ) -> Result<Vec<EventNid>> {
        let numbers = self.state_keys_find(keys).await?;
        let chain = self.state_chain(state).await?;
        let found = numbers.into_iter().map(|key| find(&chain, key));
        Ok(found.filter(|event| event.0 != 0).collect())
    }

    async fn state_keys_find(&mut self, keys: &[(StateEventType, String)]) -> Result<Vec<i64>> {
        let sql = "SELECT nid FROM state_keys WHERE kind = $1 AND state_key = $2";
        let kinds: Vec<String> = keys.iter().map(|(kind, _)| kind.to_string()).collect();
        let values: Vec<Vec<Value<'_>>> = kinds
            .iter()
            .zip(keys)
            .map(|(kind, (_, state_key))| vec![kind.into(), state_key.into()])
            .collect();
        let found = self.query_each(sql, &values).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }

    /// The numbers of several (type, state key), in the given order, made if needed.
    pub async fn state_key_intern_each(&mut self, keys: &[(StateEventType, String)]) -> Result<Vec<i64>> {
        let sql = "INSERT INTO state_keys (kind, state_key) VALUES ($1, $2) \
                   ON CONFLICT (kind, state_key) DO NOTHING";
        let kinds: Vec<String> = keys.iter().map(|(kind, _)| kind.to_string()).collect();
        let values: Vec<Vec<Value<'_>>> = kinds
            .iter()
            .zip(keys)
            .map(|(kind, (_, state_key))| vec![kind.into(), state_key.into()])
            .collect();
        self.execute_each(sql, &values).await?;
        self.state_keys_find(keys).await
    }

    /// Where two states of a room differ. What they have in common isn't looked at, as far as it is stored once.
    pub async fn state_diff(&mut self, one: StateNid, other: StateNid) -> Result<Vec<StateChange>> {
        let (old, new) = (self.state_chain(one).await?, self.state_chain(other).await?);
        let below = |layers: &[Layer], nid| layers.iter().any(|layer| layer.nid == nid);
        let own = |these: &[Layer], those: &[Layer]| -> Vec<i64> {
            let top = these.iter().take_while(|layer| !below(those, layer.nid));
            top.flat_map(Layer::decode).map(|pair| pair.key).collect()
        };
        let mut keys = own(&old, &new);
        keys.extend(own(&new, &old));
        keys.sort_unstable();
        keys.dedup();
        let differing: Vec<(i64, EventNid, EventNid)> = keys
            .into_iter()
            .map(|key| (key, find(&old, key), find(&new, key)))
            .filter(|(_, old, new)| old != new)
            .collect();
        let sql = "SELECT kind, state_key FROM state_keys WHERE nid = $1";
        let values: Vec<Vec<Value<'_>>> = differing.iter().map(|(key, ..)| vec![(*key).into()]).collect();
        let names = self.query_each(sql, &values).await?;
        let there = |event: EventNid| (event.0 != 0).then_some(event);
        names
            .iter()
            .flatten()
            .zip(differing)
            .map(|(row, (_, old, new))| {
                Ok(StateChange {
                    kind: row.get::<String>(0)?.into(),
                    state_key: row.get(1)?,
                    old: there(old),
                    new: there(new),
                })
            })
            .collect()
    }

    /// Brings the current state from one state to another, by where they differ.
    pub async fn state_current_change(
        &mut self,
        room: RoomNid,
        changes: &[StateChange],
        pos: StreamPos,
    ) -> Result<()> {
        let put = "INSERT INTO current_state (room_nid, kind, state_key, event_nid, pos) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (room_nid, kind, state_key) DO UPDATE SET event_nid = excluded.event_nid, pos = excluded.pos";
        let delete = "DELETE FROM current_state WHERE room_nid = $1 AND kind = $2 AND state_key = $3";
        let kinds: Vec<String> = changes.iter().map(|change| change.kind.to_string()).collect();
        let (mut puts, mut deletes) = (Vec::new(), Vec::new());
        for (kind, change) in kinds.iter().zip(changes) {
            let mut values: Vec<Value<'_>> = vec![room.into(), kind.into(), (&change.state_key).into()];
            match change.new {
                Some(event) => {
                    values.extend([Value::from(event), Value::from(pos)]);
                    puts.push(values);
                }
                None => deletes.push(values),
            }
        }
        self.execute_each(put, &puts).await?;
        self.execute_each(delete, &deletes).await
    }

    /// The current event at (type, state key).
    pub async fn state_current(
        &mut self,
        room: RoomNid,
        kind: &StateEventType,
        state_key: &str,
    ) -> Result<Option<EventNid>> {
        let sql = "SELECT event_nid FROM current_state WHERE room_nid = $1 AND kind = $2 AND state_key = $3";
        let kind = kind.to_string();
        self.query_opt(sql, params![room, &kind, state_key])
            .await?
            .map(|row| row.get(0))
            .transpose()
    }

    /// The current events at several (type, state key), with their rows; absent ones are left out.
    pub async fn state_current_events(
        &mut self,
        room: RoomNid,
        keys: &[(StateEventType, String)],
    ) -> Result<Vec<EventRow>> {
        let sql = "SELECT event_nid FROM current_state WHERE room_nid = $1 AND kind = $2 AND state_key = $3";
        let kinds: Vec<String> = keys.iter().map(|(kind, _)| kind.to_string()).collect();
        let params: Vec<Vec<Value<'_>>> = kinds
            .iter()
            .zip(keys)
            .map(|(kind, (_, state_key))| vec![room.into(), kind.into(), state_key.into()])
            .collect();
        let found = self.query_each(sql, &params).await?;
        let nids = found
            .iter()
            .flatten()
            .map(|row| row.get(0))
            .collect::<Result<Vec<EventNid>>>()?;
        self.event_get_many(room, &nids).await
    }

    /// The current events of one type, with any state key, in the order of their state keys.
    pub async fn state_current_kind(
        &mut self,
        room: RoomNid,
        kind: &StateEventType,
        limit: u32,
    ) -> Result<Vec<EventNid>> {
        let sql = "SELECT event_nid FROM current_state WHERE room_nid = $1 AND kind = $2 ORDER BY state_key LIMIT $3";
        let kind = kind.to_string();
        self.query(sql, params![room, &kind, limit])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The current state; with `after`, only the entries that changed after that position.
    pub async fn state_current_list(
        &mut self,
        room: RoomNid,
        after: Option<StreamPos>,
    ) -> Result<Vec<StateEntry>> {
        let all = "SELECT kind, state_key, event_nid, pos FROM current_state WHERE room_nid = $1";
        let changed =
            "SELECT kind, state_key, event_nid, pos FROM current_state WHERE room_nid = $1 AND pos > $2";
        let rows = match after {
            None => self.query(all, params![room]).await?,
            Some(after) => self.query(changed, params![room, after]).await?,
        };
        rows.iter()
            .map(|row| {
                let kind: String = row.get(0)?;
                Ok(StateEntry {
                    kind: kind.into(),
                    state_key: row.get(1)?,
                    event: row.get(2)?,
                    pos: row.get(3)?,
                })
            })
            .collect()
    }

    /// Puts an event into the current state.
    pub async fn state_current_put(
        &mut self,
        room: RoomNid,
        kind: &StateEventType,
        state_key: &str,
        event: EventNid,
        pos: StreamPos,
    ) -> Result<()> {
        let sql = "INSERT INTO current_state (room_nid, kind, state_key, event_nid, pos) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (room_nid, kind, state_key) DO UPDATE SET event_nid = excluded.event_nid, pos = excluded.pos";
        let kind = kind.to_string();
        self.put(sql, params![room, &kind, state_key, event, pos]).await
    }

    /// Event ids of events by their numbers, in no particular order.
    pub async fn event_ids(&mut self, room: RoomNid, nids: &[EventNid]) -> Result<Vec<OwnedEventId>> {
        let sql = "SELECT event_id FROM events WHERE nid = $2 AND room_nid = $1";
        let keys: Vec<Vec<Value<'_>>> = nids.iter().map(|nid| vec![room.into(), (*nid).into()]).collect();
        self.query_each(sql, &keys)
            .await?
            .iter()
            .flatten()
            .map(|row| row.get(0))
            .collect()
    }
}
