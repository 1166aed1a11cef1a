//! Wakes those who wait for news.
//!
//! There is one watch channel for each user who waits. It is bumped after a commit and registered before the
//! first read, so that nothing falls between. A wake-up carries no data; losing one is harmless.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rohrpost_store::{Committed, Wakes};
use ruma::{OwnedUserId, UserId};
use tokio::sync::watch;

/// Who waits.
#[derive(Default)]
pub(crate) struct Notify {
    /// Bumped at each commit that concerns somebody, for work that follows the stream.
    commits: watch::Sender<u64>,
    waiting: Mutex<HashMap<OwnedUserId, watch::Sender<u64>>>,
}

impl Notify {
    /// Begins to wait for news of a user. Register first, then read, then wait.
    pub(crate) fn subscribe(&self, user_id: &UserId) -> watch::Receiver<u64> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get(user_id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(0);
                waiting.insert(user_id.to_owned(), sender);
                receiver
            }
        }
    }

    /// Begins to wait for any commit.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    fn wake(&self, users: &Arc<[OwnedUserId]>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = Vec::new();
        let mut bump = |user: &OwnedUserId, sender: &watch::Sender<u64>| {
            sender.send_modify(|count| *count = count.wrapping_add(1));
            if sender.receiver_count() == 0 {
                gone.push(user.clone());
            }
        };
        // A large room with few people awake costs as much as the few.
        if waiting.len() < users.len() {
            for (user, sender) in &*waiting {
                if users.binary_search(user).is_ok() {
                    bump(user, sender);
                }
            }
        } else {
            for user in &**users {
                if let Some(sender) = waiting.get(user) {
                    bump(user, sender);
                }
            }
        }
        for user in gone {
            waiting.remove(&user);
        }
    }
}

impl Committed for Notify {
    fn committed(&self, wakes: Wakes) {
        for users in &wakes.users {
            self.wake(users);
        }
        self.commits.send_modify(|count| *count = count.wrapping_add(1));
    }
}
