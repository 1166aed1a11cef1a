//! Group commit, the same for both engines: units of work that wait are run one after the other in one transaction
//! and share its disk sync.
//!
//! A batch begins without savepoints, which would cost a quarter of its CPU time. Most refusals come before the
//! first write and leave nothing to undo. When a unit fails after it has written, the batch is rolled back and the
//! units before it run again, from then on each inside a savepoint: a unit is run at most twice, unless the database
//! itself asks for more.
//!
//! What a transaction is made of stands with each engine, behind [`BatchConn`].

use std::{collections::VecDeque, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::oneshot;

use crate::{Acknowledge, Committed, Completion, Result, StoreError, Tx, Wakes, Work, tx::TxEngine};

/// How often a unit is run when the database asks for it.
const ATTEMPTS: u32 = 5;

/// What a unit found out and whom it concerns, or why it was refused.
type Outcome<W> = Result<(<W as Work>::Out, Wakes), <W as Work>::Error>;

/// Why a run is not to be kept: the store's own failure behind it, if there is one.
pub(super) type Ran = Result<(), Option<StoreError>>;

/// A unit of work that waits for the writer, whatever its type.
pub(super) trait Job: Send {
    /// Runs it. `Ok`: it wants to be kept. After a roll-back it may be run again.
    fn run<'a>(&'a mut self, engine: TxEngine<'a>) -> BoxFuture<'a, Ran>;

    /// Replaces what the last run found out.
    fn fail(&mut self, error: StoreError);

    /// What its caller is to hear: the outcome of the last run. Released with an error, that error instead,
    /// unless the unit failed by itself.
    fn complete(self: Box<Self>) -> Completion;
}

/// A unit of work together with its caller.
pub(super) struct Unit<W: Work> {
    work: W,
    answer: oneshot::Sender<Result<W::Out, W::Error>>,
    committed: Arc<dyn Committed>,
    /// `None`: it didn't run, or panicked.
    outcome: Option<Outcome<W>>,
}

/// Where the outcome of a unit will come.
type Answered<W> = oneshot::Receiver<Result<<W as Work>::Out, <W as Work>::Error>>;

impl<W: Work> Unit<W> {
    /// A job, and where its outcome will come.
    pub(super) fn job(work: W, committed: Arc<dyn Committed>) -> (Box<dyn Job>, Answered<W>) {
        let (answer, answered) = oneshot::channel();
        let unit = Self {
            work,
            answer,
            committed,
            outcome: None,
        };
        (Box::new(unit), answered)
    }
}

impl<W: Work> Job for Unit<W> {
    fn run<'a>(&'a mut self, engine: TxEngine<'a>) -> BoxFuture<'a, Ran> {
        self.outcome = None;
        Box::pin(async move {
            let mut tx = Tx::new(engine);
            let result = self.work.run(&mut tx).await;
            let (failed, wakes) = (tx.failed.take(), std::mem::take(&mut tx.wakes));
            let outcome = match (result, &failed) {
                // After a failed statement the COMMIT of PostgreSQL would answer Ok with nothing saved.
                (Ok(_), Some(_)) => Err(StoreError::FailedUnit.into()),
                (Ok(out), None) => Ok((out, wakes)),
                (Err(error), _) => Err(error),
            };
            match self.outcome.insert(outcome) {
                Ok(_) => Ok(()),
                Err(_) => Err(failed),
            }
        })
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error.into()));
    }

    fn complete(self: Box<Self>) -> Completion {
        let Self {
            answer,
            committed,
            outcome,
            ..
        } = *self;
        Completion(Box::new(move |commit| {
            let (answered, wakes) = match (outcome, commit) {
                (Some(Ok((out, wakes))), Ok(())) => (Ok(out), wakes),
                (Some(Ok(_)) | None, Err(error)) => (Err(error.into()), Wakes::default()),
                (Some(Err(error)), _) => (Err(error), Wakes::default()),
                (None, Ok(())) => (Err(StoreError::Stopped.into()), Wakes::default()),
            };
            // The caller may have gone away; what it did stands, and others are told of it below.
            drop(answer.send(answered));
            if !wakes.users.is_empty() {
                committed.committed(wakes);
            }
        }))
    }
}

/// A connection that runs batches.
pub(super) trait BatchConn: Send {
    /// Units that share one commit at most: bounds the time that the first of them waits for the last.
    const MAX_UNITS: usize;

    /// Begins a transaction.
    fn begin(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Runs a unit inside the transaction.
    fn run(&mut self, job: &mut dyn Job) -> impl Future<Output = Ran> + Send;

    /// Waits until all that was written so far is known to have gone well.
    fn settle(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Changes, and failed statements, since the connection was made. The same number before and after a unit:
    /// it left nothing.
    fn changes(&self) -> u64;

    /// Whether the transaction is gone, with all that was in it.
    fn is_lost(&self) -> bool;

    /// Whether the database asks for the whole transaction to be run again.
    fn wants_retry(&self, error: &StoreError) -> bool;

    /// Begins what can be undone by itself.
    fn savepoint(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Makes what was done since the savepoint part of the transaction.
    fn release_savepoint(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Undoes what was done since the savepoint.
    fn undo_savepoint(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Makes the transaction durable.
    fn commit(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Ends the transaction without keeping anything, if the database hasn't done so by itself.
    fn roll_back(&mut self) -> impl Future<Output = ()> + Send;
}

/// What became of one run of a unit.
enum Ended {
    /// Its changes are in the transaction.
    Kept,
    /// It was refused, and none of its changes are in the transaction.
    Refused,
    /// It was refused, and the transaction is lost or holds changes of it. The caller hears its own error, or
    /// this one.
    Spoiled(Result<()>),
    /// The database asks for the transaction to be run again.
    Again,
}

/// A unit, and how often it ran.
type Waiting = (Box<dyn Job>, u32);

/// Runs what waits and commits it.
pub(super) async fn run_batch<C: BatchConn>(
    conn: &mut C,
    first: Box<dyn Job>,
    mut next: impl FnMut() -> Option<Box<dyn Job>>,
    acknowledge: &dyn Acknowledge,
) {
    let mut kept: Vec<Waiting> = Vec::with_capacity(64);
    let mut again = VecDeque::from([(first, 0)]);
    let mut in_savepoints = false;
    let mut ran = 0_usize;
    if begin(conn, &mut again, &mut next).await.is_err() {
        return;
    }
    loop {
        while let Some((mut job, runs)) = again.pop_front().or_else(|| {
            let has_room = kept.len() < C::MAX_UNITS && ran < 2 * C::MAX_UNITS;
            has_room.then(|| next().map(|job| (job, 0))).flatten()
        }) {
            ran += 1;
            let cause = match run_one(conn, &mut *job, in_savepoints, runs).await {
                Ended::Kept => {
                    kept.push((job, runs + 1));
                    continue;
                }
                Ended::Refused => {
                    release(job.complete(), Ok(()));
                    continue;
                }
                Ended::Again => {
                    again.push_front((job, runs + 1));
                    None
                }
                Ended::Spoiled(cause) => {
                    release(job.complete(), cause.clone());
                    Some(cause)
                }
            };
            conn.roll_back().await;
            match cause {
                Some(cause) if in_savepoints => {
                    // The database refuses more than this unit, for example because its disk is full.
                    let cause = cause.err().unwrap_or(StoreError::FailedUnit);
                    kept.drain(..)
                        .for_each(|(job, _)| release(job.complete(), Err(cause.clone())));
                }
                _ => {
                    in_savepoints = !kept.is_empty();
                    again = kept.drain(..).chain(again).collect();
                }
            }
            if begin(conn, &mut again, &mut next).await.is_err() {
                return;
            }
        }
        match conn.settle().await {
            Ok(()) => break,
            Err(error) => {
                // One of them failed, and only running them one by one tells which.
                conn.roll_back().await;
                if in_savepoints {
                    kept.drain(..)
                        .for_each(|(job, _)| release(job.complete(), Err(error.clone())));
                    return;
                }
                in_savepoints = true;
                again = kept.drain(..).collect();
                if begin(conn, &mut again, &mut next).await.is_err() {
                    return;
                }
            }
        }
    }
    metrics::histogram!("rohrpost_store_batch_units").record(ran as f64);
    let held: Vec<_> = kept
        .into_iter()
        .filter_map(|(job, _)| acknowledge.finished(job.complete()))
        .collect();
    let committed = conn.commit().await;
    if let Err(error) = &committed {
        tracing::error!(%error, units = held.len(), "could not commit");
        conn.roll_back().await;
    }
    held.into_iter()
        .for_each(|completion| release(completion, committed.clone()));
}

/// Begins a transaction, or tells all of `waiting`, and those who wait behind them, why there is none.
async fn begin<C: BatchConn>(
    conn: &mut C,
    waiting: &mut VecDeque<Waiting>,
    next: &mut impl FnMut() -> Option<Box<dyn Job>>,
) -> Result<()> {
    let begun = conn.begin().await;
    if let Err(error) = &begun {
        tracing::error!(%error, "can't begin to write");
        // They would wait for the same again. Whoever comes after the first was told may fare better and is tried.
        let behind = std::iter::from_fn(next).take(C::MAX_UNITS);
        waiting.extend(behind.map(|job| (job, 0)));
        waiting
            .drain(..)
            .for_each(|(job, _)| release(job.complete(), Err(error.clone())));
    }
    begun
}

async fn run_one<C: BatchConn>(conn: &mut C, job: &mut dyn Job, in_savepoint: bool, runs: u32) -> Ended {
    if in_savepoint && let Err(error) = conn.savepoint().await {
        return Ended::Spoiled(Err(error));
    }
    let before = conn.changes();
    let mut run = AssertUnwindSafe(conn.run(job))
        .catch_unwind()
        .await
        .unwrap_or(Err(None));
    if in_savepoint
        && run.is_ok()
        && let Err(error) = conn.settle().await
    {
        job.fail(StoreError::FailedUnit);
        run = Err(Some(error));
    }
    if let Err(Some(cause)) = &run
        && conn.wants_retry(cause)
        && runs + 1 < ATTEMPTS
    {
        tracing::debug!(%cause, runs, "unit of work runs again");
        return Ended::Again;
    }
    if conn.is_lost() {
        // A full disk, for example, makes SQLite roll back everything. Whatever ran now would commit by itself.
        return Ended::Spoiled(run.map_or(Ok(()), |()| Err(StoreError::FailedUnit)));
    }
    match (run.is_ok(), in_savepoint) {
        (true, false) => Ended::Kept,
        (true, true) => match conn.release_savepoint().await {
            Ok(()) => Ended::Kept,
            Err(error) => Ended::Spoiled(Err(error)),
        },
        (false, false) if conn.changes() == before => Ended::Refused,
        (false, false) => Ended::Spoiled(Ok(())),
        (false, true) => match conn.undo_savepoint().await {
            Ok(()) => Ended::Refused,
            Err(_) => Ended::Spoiled(Ok(())),
        },
    }
}

/// Tells a caller and those who listen. A panic of theirs must not end the writer.
fn release(completion: Completion, result: Result<()>) {
    if std::panic::catch_unwind(AssertUnwindSafe(|| completion.release(result))).is_err() {
        tracing::error!("hearing of a commit panicked");
    }
}
