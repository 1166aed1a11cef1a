//! What was sent to whom: the connections of sliding sync, in memory.
//!
//! Of each connection the state behind its newest answer is kept, and the one before, because a client whose answer
//! was lost asks again from there. Nothing is written: after a restart, or when a connection was pushed out, the
//! client is told to begin anew. Connections that no room was ever sent on, such as those for keys, need nothing of
//! this and simply go on.

use std::{
    collections::{BTreeSet, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use rohrpost_store::{OneTimeKeyCounts, RoomNid, StreamPos};
use ruma::{OwnedDeviceId, OwnedUserId};

use super::{
    config::{Asked, RoomConfig},
    index::{Index, Windows},
    profiles::ToldProfiles,
};
use crate::{Refusal, Result, personal::ignored::Ignored, sync::token::SlidingPos};

/// Devices whose connections are kept.
const MAX_DEVICES: NonZeroUsize = NonZeroUsize::new(50_000).expect("50000 is not zero");
/// Connections of one device.
const MAX_CONNECTIONS: usize = 8;
/// Rooms in all connections, some 200 bytes each.
const MAX_ROOMS: usize = 2_000_000;

/// What was sent of a room.
#[derive(Clone)]
pub(crate) struct Shown {
    /// What it was sent with.
    pub(crate) config: Arc<RoomConfig>,
    /// News that came after this were not sent, because no rule wanted the room; `None`: all were.
    pub(crate) behind: Option<StreamPos>,
    /// Hashes of the members that were sent because the timeline speaks of them.
    pub(crate) members: Arc<HashSet<u64>>,
}

/// What a client knows after an answer.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// Up to where; `None`: it knows nothing.
    pub(crate) upto: Option<StreamPos>,
    /// The user's rooms, once some were asked for.
    pub(crate) index: Option<Index>,
    pub(crate) dms: Arc<BTreeSet<RoomNid>>,
    pub(crate) ignored: Arc<Ignored>,
    /// The user takes no invitations.
    pub(crate) blocks_invites: bool,
    /// What was told of profiles.
    pub(crate) profiles: Arc<ToldProfiles>,
    pub(crate) shown: imbl::HashMap<RoomNid, Shown>,
    /// What was asked for with the last request, and which rooms that showed.
    pub(crate) asked: Arc<Asked>,
    pub(crate) windows: Arc<Windows>,
    /// The number of one-time keys and the unused fallback keys.
    pub(crate) keys: Option<(OneTimeKeyCounts, Vec<String>)>,
}

impl State {
    fn weight(&self) -> usize {
        let rooms = self.shown.len() + self.index.as_ref().map_or(0, Index::len);
        1 + rooms + self.profiles.weight()
    }

    /// Whether a client can go on from here with nothing but its position.
    fn is_plain(&self) -> bool {
        self.shown.is_empty() && self.index.is_none() && !self.profiles.is_used()
    }
}

struct Connection {
    conn_id: String,
    latest: (SlidingPos, State),
    before: Option<(SlidingPos, State)>,
}

impl Connection {
    fn weight(&self) -> usize {
        let (_, latest) = &self.latest;
        latest.weight() + self.before.as_ref().map_or(0, |_| 1)
    }
}

/// The connections of all devices.
pub(crate) struct Connections(Mutex<Kept>);

struct Kept {
    by_device: LruCache<(OwnedUserId, OwnedDeviceId), Vec<Connection>>,
    weight: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            by_device: LruCache::new(MAX_DEVICES),
            weight: 0,
        }))
    }
}

fn weight(connections: &[Connection]) -> usize {
    connections.iter().map(Connection::weight).sum()
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client knows who asks from `pos`.
    ///
    /// # Errors
    /// `UnknownPos` when that isn't known any more.
    pub(crate) fn at(
        &self,
        device: &(OwnedUserId, OwnedDeviceId),
        conn_id: &str,
        pos: Option<SlidingPos>,
    ) -> Result<State> {
        let Some(pos) = pos else {
            return Ok(State::default());
        };
        let mut kept = self.lock();
        let connections = kept.by_device.get(device).map_or(&[][..], Vec::as_slice);
        let connection = connections
            .iter()
            .find(|connection| connection.conn_id == conn_id);
        let states = connection
            .into_iter()
            .flat_map(|connection| std::iter::once(&connection.latest).chain(&connection.before));
        for (at, state) in states {
            if *at == pos {
                return Ok(state.clone());
            }
        }
        match pos.tag {
            0 => Ok(State {
                upto: Some(pos.upto),
                ..State::default()
            }),
            _ => Err(Refusal::UnknownPos),
        }
    }

    /// Keeps what a client knows after an answer to a request from `before`. Answers the position to ask from next.
    pub(crate) fn keep(
        &self,
        device: (OwnedUserId, OwnedDeviceId),
        conn_id: &str,
        before: Option<SlidingPos>,
        state: State,
        tag: u64,
    ) -> SlidingPos {
        let pos = SlidingPos {
            upto: state.upto.unwrap_or_default(),
            tag: if state.is_plain() { 0 } else { tag.max(1) },
        };
        let mut kept = self.lock();
        let mut connections = match kept.by_device.pop(&device) {
            Some(connections) => {
                kept.weight -= weight(&connections);
                connections
            }
            None => Vec::new(),
        };
        let place = connections
            .iter()
            .position(|connection| connection.conn_id == conn_id);
        let old = place.map(|place| connections.remove(place));
        if pos.tag != 0 {
            let mut states = old
                .into_iter()
                .flat_map(|old| std::iter::once(old.latest).chain(old.before));
            connections.push(Connection {
                conn_id: conn_id.to_owned(),
                latest: (pos, state),
                before: states.find(|(at, _)| Some(*at) == before),
            });
        }
        if connections.len() > MAX_CONNECTIONS {
            connections.remove(0);
        }
        if !connections.is_empty() {
            kept.weight += weight(&connections);
            if let Some((_, old)) = kept.by_device.push(device, connections) {
                kept.weight -= weight(&old);
            }
        }
        while kept.weight > MAX_ROOMS
            && let Some((_, old)) = kept.by_device.pop_lru()
        {
            kept.weight -= weight(&old);
        }
        pos
    }
}

#[cfg(test)]
mod tests {
    use rohrpost_store::{RoomNid, StreamPos};
    use ruma::{OwnedDeviceId, OwnedUserId, owned_user_id};

    use super::{Connections, MAX_CONNECTIONS, Shown, State};
    use crate::Refusal;

    fn device() -> (OwnedUserId, OwnedDeviceId) {
        (owned_user_id!("@anna:example.org"), "PHONE".into())
    }

    fn state(upto: i64, rooms: i64) -> State {
        let shown = Shown {
            config: Default::default(),
            behind: None,
            members: Default::default(),
        };
        State {
            upto: Some(StreamPos(upto)),
            shown: (0..rooms).map(|room| (RoomNid(room), shown.clone())).collect(),
            ..State::default()
        }
    }

    #[test]
    fn a_client_may_ask_again_from_before_the_last_answer_and_not_from_earlier() {
        let connections = Connections::default();
        let first = connections.keep(device(), "a", None, state(1, 1), 11);
        let second = connections.keep(device(), "a", Some(first), state(2, 2), 12);
        let again = connections.keep(device(), "a", Some(first), state(3, 3), 13);
        let rooms = |pos| {
            connections
                .at(&device(), "a", Some(pos))
                .map(|state| state.shown.len())
        };
        assert_eq!((rooms(first).ok(), rooms(again).ok()), (Some(1), Some(3)));
        assert!(matches!(rooms(second), Err(Refusal::UnknownPos)));
        let third = connections.keep(device(), "a", Some(again), state(4, 4), 14);
        assert!(matches!(rooms(first), Err(Refusal::UnknownPos)));
        assert_eq!((rooms(again).ok(), rooms(third).ok()), (Some(3), Some(4)));
    }

    #[test]
    fn a_connection_without_rooms_goes_on_from_its_position_alone() {
        let connections = Connections::default();
        let pos = connections.keep(device(), "a", None, state(7, 0), 11);
        assert_eq!(pos.tag, 0);
        let resumed = Connections::default()
            .at(&device(), "a", Some(pos))
            .expect("it goes on");
        assert_eq!(resumed.upto, Some(StreamPos(7)));
    }

    #[test]
    fn connections_are_apart_and_a_device_has_few() {
        let connections = Connections::default();
        let first = connections.keep(device(), "0", None, state(1, 1), 11);
        assert!(connections.at(&device(), "1", Some(first)).is_err());
        let other = (owned_user_id!("@bert:example.org"), "PHONE".into());
        assert!(connections.at(&other, "0", Some(first)).is_err());
        for number in 1..=MAX_CONNECTIONS {
            connections.keep(device(), &number.to_string(), None, state(1, 1), 11);
        }
        assert!(connections.at(&device(), "0", Some(first)).is_err(), "pushed out");
        let kept = connections.lock();
        assert_eq!(
            kept.by_device.peek(&device()).map(Vec::len),
            Some(MAX_CONNECTIONS)
        );
        assert_eq!(kept.weight, 2 * MAX_CONNECTIONS);
    }
}
