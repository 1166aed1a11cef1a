//! Units of work: what a use case gives to the store, and what the store tells the rest of the server.

use std::{future::Future, pin::Pin, sync::Arc};

use ruma::OwnedUserId;

use crate::{StoreError, Tx};

/// A unit of work: everything that one use case reads and writes, in one transaction.
///
/// It is written once and runs on both engines. It may run again from the start, after all it did was rolled back:
/// when PostgreSQL asks for a retry, or on SQLite when another unit of the same batch failed. So it changes nothing
/// outside of `tx`. On SQLite it runs inside the writer thread and must not wait for anything but `tx`.
pub trait Work: Send + Sync + 'static {
    /// What it finds out.
    type Out: Send + 'static;
    /// Why it may be refused. A refused unit keeps nothing.
    type Error: From<StoreError> + Send + 'static;

    /// Reads, decides and writes. `Ok` is only seen by the caller once everything is durable.
    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Out, Self::Error>> + Send;
}

/// The future of a reading closure, as [`Store::read`](crate::Store::read) takes it.
pub type Reading<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Whom a unit of work concerns; told to the server after the commit.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    /// Local users whose next sync differs.
    pub users: Vec<Arc<[OwnedUserId]>>,
}

/// Hears of commits. Losing a call must be harmless: the data is what counts, this only wakes those who wait.
pub trait Committed: Send + Sync + 'static {
    /// Called once after each commit that concerned somebody. Must not block.
    fn committed(&self, wakes: Wakes);
}

/// The result of a finished unit, waiting to be released to its caller.
pub struct Completion(pub(crate) Box<dyn FnOnce(Result<(), StoreError>) + Send>);

impl Completion {
    /// Releases the result: to the caller if the commit went well, else the error.
    pub fn release(self, committed: Result<(), StoreError>) {
        (self.0)(committed);
    }
}

/// Decides when the results of finished units are released to their callers.
///
/// The server uses [`AfterCommit`]. The crash test brings one that releases too early, to show that it would be
/// found out.
pub trait Acknowledge: Send + Sync + 'static {
    /// A unit has run and is not yet committed. What is returned is released after the commit.
    fn finished(&self, completion: Completion) -> Option<Completion>;
}

/// Releases results after the commit: 200 means on disk.
#[derive(Clone, Copy, Debug)]
pub struct AfterCommit;

impl Acknowledge for AfterCommit {
    fn finished(&self, completion: Completion) -> Option<Completion> {
        Some(completion)
    }
}
