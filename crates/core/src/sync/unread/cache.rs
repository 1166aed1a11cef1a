//! Unread notifications, rules and numbers of members that were worked out lately.
//!
//! Everything in here can be worked out again; losing it costs time only. Nothing in here is trusted without the
//! version or position it was made at.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use rohrpost_store::{RoomNid, StateNid, StreamPos};
use ruma::{OwnedUserId, UserId, push::Ruleset};

use super::{Version, pending::Pending};

/// Users and rooms whose unread notifications are kept.
const MAX_COUNTED: NonZeroUsize = NonZeroUsize::new(100_000).expect("100000 is not zero");
/// Unread notifications that are kept in all, 16 bytes each.
const MAX_WEIGHT: usize = 4_000_000;
/// Users whose rules are kept, some 10 KiB each.
const MAX_RULES: NonZeroUsize = NonZeroUsize::new(2_000).expect("2000 is not zero");
/// Rooms whose number of members is kept.
const MAX_MEMBERS: NonZeroUsize = NonZeroUsize::new(10_000).expect("10000 is not zero");

/// The unread notifications of a user in a room.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(super) version: Version,
    pub(super) upto: StreamPos,
    pub(super) pending: Pending,
}

impl Counted {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            upto: StreamPos(0),
            pending: Pending::default(),
        }
    }
}

/// Unread notifications, rules and numbers of members that were worked out lately.
pub(crate) struct UnreadCache {
    counted: Mutex<Weighed>,
    rules: Mutex<LruCache<OwnedUserId, (StreamPos, Arc<Ruleset>)>>,
    members: Mutex<LruCache<RoomNid, (StateNid, u64)>>,
}

struct Weighed {
    entries: LruCache<(OwnedUserId, RoomNid), Counted>,
    weight: usize,
}

impl Default for UnreadCache {
    fn default() -> Self {
        Self {
            counted: Mutex::new(Weighed {
                entries: LruCache::new(MAX_COUNTED),
                weight: 0,
            }),
            rules: Mutex::new(LruCache::new(MAX_RULES)),
            members: Mutex::new(LruCache::new(MAX_MEMBERS)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnreadCache {
    pub(super) fn get(&self, user_id: &UserId, room: RoomNid) -> Option<Counted> {
        lock(&self.counted)
            .entries
            .get(&(user_id.to_owned(), room))
            .cloned()
    }

    pub(super) fn put(&self, user_id: &UserId, room: RoomNid, counted: Counted) {
        let mut cache = lock(&self.counted);
        cache.weight += counted.pending.weight();
        if let Some((_, old)) = cache.entries.push((user_id.to_owned(), room), counted) {
            cache.weight -= old.pending.weight();
        }
        while cache.weight > MAX_WEIGHT
            && let Some((_, old)) = cache.entries.pop_lru()
        {
            cache.weight -= old.pending.weight();
        }
    }

    pub(crate) fn rules(&self, user_id: &UserId, at: StreamPos) -> Option<Arc<Ruleset>> {
        let mut cache = lock(&self.rules);
        let (pos, rules) = cache.get(user_id)?;
        (*pos == at).then(|| Arc::clone(rules))
    }

    pub(crate) fn put_rules(&self, user_id: &UserId, at: StreamPos, rules: Arc<Ruleset>) {
        lock(&self.rules).put(user_id.to_owned(), (at, rules));
    }

    pub(super) fn members(&self, room: RoomNid, state: StateNid) -> Option<u64> {
        let mut cache = lock(&self.members);
        let (at, members) = cache.get(&room)?;
        (*at == state).then_some(*members)
    }

    pub(super) fn put_members(&self, room: RoomNid, state: StateNid, members: u64) {
        lock(&self.members).put(room, (state, members));
    }
}
