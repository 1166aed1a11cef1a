//! What was sent to whom: the connections of sliding sync, in memory.
//!
//! Of each connection the state is kept that the client last asked from, because one whose answer was lost asks again
//! from there, and the states behind the answers to that. There may be several: a client that breaks off a request, such as
//! to ask for one room more, asks again from the same position at once, and the request that it broke off may be answered
//! after that one. Which answer arrived shows when the client asks from it.
//!
//! Nothing is written: after a restart, or when a connection was pushed out, the client is told to begin anew.
//! Connections that no room was ever sent on, such as those for keys, need nothing of this and simply go on.

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
/// Answers to one request that are kept until it is known which arrived.
const MAX_ANSWERS: usize = 4;
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
    /// Where the client asked from last; `None`: from nothing.
    base: Option<(SlidingPos, State)>,
    /// What was answered since, oldest first.
    answers: Vec<(SlidingPos, State)>,
}

impl Connection {
    fn new(conn_id: &str) -> Self {
        Self {
            conn_id: conn_id.to_owned(),
            base: None,
            answers: Vec::new(),
        }
    }

    fn states(&self) -> impl Iterator<Item = &(SlidingPos, State)> {
        self.answers.iter().chain(&self.base)
    }

    /// Notes that the client asked from there: the other answers didn't arrive, or don't matter any more.
    fn confirm(&mut self, pos: SlidingPos) {
        if let Some(place) = self.answers.iter().position(|(at, _)| *at == pos) {
            self.base = Some(self.answers.swap_remove(place));
            self.answers.clear();
        }
    }

    fn answer(&mut self, pos: SlidingPos, state: State) {
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.remove(0);
        }
        self.answers.push((pos, state));
    }

    /// The states share nearly everything with one another.
    fn weight(&self) -> usize {
        let largest = self.states().map(|(_, state)| state.weight()).max();
        largest.unwrap_or_default() + self.states().count()
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
        let mut states = connection.into_iter().flat_map(Connection::states);
        if let Some((_, state)) = states.find(|(at, _)| *at == pos) {
            return Ok(state.clone());
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
            let mut connection = old.unwrap_or_else(|| Connection::new(conn_id));
            if let Some(before) = before {
                connection.confirm(before);
            }
            connection.answer(pos, state);
            connections.push(connection);
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

    use super::{Connections, MAX_ANSWERS, MAX_CONNECTIONS, Shown, State};
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
        assert_eq!(
            rooms(second).ok(),
            Some(2),
            "nobody knows which of the two arrived"
        );
        let third = connections.keep(device(), "a", Some(again), state(4, 4), 14);
        assert!(matches!(rooms(first), Err(Refusal::UnknownPos)));
        assert!(matches!(rooms(second), Err(Refusal::UnknownPos)));
        assert_eq!((rooms(again).ok(), rooms(third).ok()), (Some(3), Some(4)));
    }

    #[test]
    fn a_late_answer_to_a_request_that_was_broken_off_takes_nothing_away() {
        let connections = Connections::default();
        let first = connections.keep(device(), "a", None, state(1, 1), 11);
        let heard = connections.keep(device(), "a", Some(first), state(3, 3), 12);
        let late = connections.keep(device(), "a", Some(first), state(2, 2), 13);
        let next = connections.keep(device(), "a", Some(heard), state(4, 4), 14);
        connections.keep(device(), "a", Some(first), state(2, 2), 15);
        connections.keep(device(), "a", None, state(1, 1), 16);
        let at = |pos| connections.at(&device(), "a", Some(pos)).is_ok();
        assert!(at(heard) && at(next) && !at(late));
    }

    #[test]
    fn of_many_answers_to_one_request_the_newest_are_kept() {
        let connections = Connections::default();
        let first = connections.keep(device(), "a", None, state(1, 1), 11);
        let answers: Vec<_> = (2..100)
            .map(|upto| connections.keep(device(), "a", Some(first), state(upto, 5), 11))
            .collect();
        let is_kept = |pos: &_| connections.at(&device(), "a", Some(*pos)).is_ok();
        assert!(is_kept(&first));
        assert!(answers[answers.len() - MAX_ANSWERS..].iter().all(is_kept));
        assert!(!answers[..answers.len() - MAX_ANSWERS].iter().any(is_kept));
        assert_eq!(connections.lock().weight, 6 + MAX_ANSWERS + 1);
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
        assert_eq!(kept.weight, 3 * MAX_CONNECTIONS);
    }
}
