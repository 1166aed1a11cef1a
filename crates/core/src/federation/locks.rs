//! Queues by a name: one at a time for each.

use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use tokio::sync::OwnedMutexGuard;

/// Queues that are kept. One that is pushed out while somebody holds it lets another in: they keep order where it saves
/// work, and nothing depends on it.
const MAX_QUEUES: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not zero");

/// One queue for each name.
pub(crate) struct Locks<K: Hash + Eq>(Mutex<LruCache<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K: Hash + Eq> Default for Locks<K> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_QUEUES)))
    }
}

impl<K: Hash + Eq> Locks<K> {
    /// Waits in the queue of this name.
    pub(crate) async fn wait(&self, name: K) -> OwnedMutexGuard<()> {
        let lock = {
            let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.get_or_insert(name, Arc::default))
        };
        lock.lock_owned().await
    }
}
