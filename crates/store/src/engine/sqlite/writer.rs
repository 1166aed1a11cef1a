//! The writer: one thread that runs units of work in batches. A batch is one transaction and one disk sync.
//!
//! A batch begins without savepoints, which would cost a quarter of its CPU time. Most refusals come before the
//! first write and leave nothing to undo. When a unit fails after it has written, the batch is rolled back and the
//! units before it run again, from then on each inside a savepoint: a unit is run at most twice.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crossbeam_channel::Receiver;
use tokio::sync::oneshot;

use super::{SqliteConn, ready};
use crate::{Acknowledge, Committed, Completion, Result, StoreError, Tx, Wakes, Work, tx::TxEngine};

#[cfg(test)]
mod tests;

/// Units that share one commit at most: bounds the time that the first of them waits for the last.
const MAX_BATCH: usize = 256;
/// Units that are run for one commit at most, refused ones included.
const MAX_RUN: usize = 2 * MAX_BATCH;

/// A unit of work that waits for the writer, whatever its type.
pub(super) trait Job: Send {
    /// Runs it. `true`: it wants to be kept. After a roll-back it may be run again.
    fn run(&mut self, conn: &mut SqliteConn) -> bool;

    /// What its caller is to hear: the outcome of the last run. Released with an error, that error instead,
    /// unless the unit failed by itself.
    fn complete(self: Box<Self>) -> Completion;
}

/// What a unit found out and whom it concerns, or why it was refused.
type Outcome<W> = Result<(<W as Work>::Out, Wakes), <W as Work>::Error>;

/// A unit of work together with its caller.
pub(super) struct Unit<W: Work> {
    pub(super) work: W,
    pub(super) answer: oneshot::Sender<Result<W::Out, W::Error>>,
    pub(super) committed: Arc<dyn Committed>,
    /// `None`: it didn't run, or panicked.
    pub(super) outcome: Option<Outcome<W>>,
}

impl<W: Work> Job for Unit<W> {
    fn run(&mut self, conn: &mut SqliteConn) -> bool {
        self.outcome = None;
        let mut tx = Tx::new(TxEngine::Sqlite(conn));
        let result = ready(self.work.run(&mut tx)).unwrap_or_else(|error| Err(error.into()));
        let outcome = match (result, tx.failed.is_some()) {
            (Ok(_), true) => Err(StoreError::FailedUnit.into()),
            (Ok(out), false) => Ok((out, tx.wakes)),
            (Err(error), _) => Err(error),
        };
        self.outcome.insert(outcome).is_ok()
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

/// What became of one run of a unit.
enum Ended {
    /// Its changes are in the transaction.
    Kept,
    /// It was refused, and none of its changes are in the transaction.
    Refused,
    /// It was refused, and the transaction is lost or holds changes of it. The caller hears its own error, or
    /// this one.
    Spoiled(Result<()>),
}

pub(super) fn write_loop(mut conn: SqliteConn, jobs: &Receiver<Box<dyn Job>>, acknowledge: &dyn Acknowledge) {
    while let Ok(first) = jobs.recv() {
        if let Err(error) = run_batch(&mut conn, first, jobs, acknowledge) {
            tracing::error!(%error, "can't begin to write");
            // Those who wait would wait for the same again.
            jobs.try_iter()
                .take(MAX_RUN)
                .for_each(|job| release(job.complete(), Err(error.clone())));
        }
    }
}

/// Runs what waits and commits it. An error means that no transaction could be begun.
fn run_batch(
    conn: &mut SqliteConn,
    first: Box<dyn Job>,
    jobs: &Receiver<Box<dyn Job>>,
    acknowledge: &dyn Acknowledge,
) -> Result<()> {
    let mut kept: Vec<Box<dyn Job>> = Vec::with_capacity(64);
    let mut again = VecDeque::from([first]);
    let mut in_savepoints = false;
    let mut ran = 0_usize;
    begin(conn, &mut again)?;
    while let Some(mut job) = again.pop_front().or_else(|| {
        let has_room = kept.len() < MAX_BATCH && ran < MAX_RUN;
        has_room.then(|| jobs.try_recv().ok()).flatten()
    }) {
        ran += 1;
        match run_one(conn, &mut *job, in_savepoints) {
            Ended::Kept => kept.push(job),
            Ended::Refused => release(job.complete(), Ok(())),
            Ended::Spoiled(cause) => {
                roll_back(conn);
                release(job.complete(), cause.clone());
                if in_savepoints {
                    // The database refuses more than this unit, for example because its disk is full.
                    let cause = cause.err().unwrap_or_else(lost);
                    kept.drain(..)
                        .for_each(|job| release(job.complete(), Err(cause.clone())));
                } else {
                    in_savepoints = !kept.is_empty();
                    again = kept.drain(..).chain(again).collect();
                }
                begin(conn, &mut again)?;
            }
        }
    }
    metrics::histogram!("rohrpost_store_batch_units").record(ran as f64);
    let held: Vec<_> = kept
        .into_iter()
        .filter_map(|job| acknowledge.finished(job.complete()))
        .collect();
    let committed = conn.execute("COMMIT", &[]).map(|_| ());
    if let Err(error) = &committed {
        tracing::error!(%error, units = held.len(), "could not commit");
        roll_back(conn);
    }
    held.into_iter()
        .for_each(|completion| release(completion, committed.clone()));
    Ok(())
}

/// Begins a transaction, or tells all of `waiting` why there is none.
fn begin(conn: &mut SqliteConn, waiting: &mut VecDeque<Box<dyn Job>>) -> Result<()> {
    let begun = conn.execute("BEGIN IMMEDIATE", &[]).map(|_| ());
    if let Err(error) = &begun {
        waiting
            .drain(..)
            .for_each(|job| release(job.complete(), Err(error.clone())));
    }
    begun
}

/// Ends the transaction without keeping anything, if SQLite hasn't done so by itself.
fn roll_back(conn: &mut SqliteConn) {
    if !conn.is_autocommit()
        && let Err(error) = conn.execute("ROLLBACK", &[])
    {
        tracing::error!(%error, "could not roll back");
    }
}

fn run_one(conn: &mut SqliteConn, job: &mut dyn Job, in_savepoint: bool) -> Ended {
    if in_savepoint && let Err(error) = conn.execute("SAVEPOINT unit", &[]) {
        return Ended::Spoiled(Err(error));
    }
    let before = conn.total_changes();
    let keep = catch_unwind(AssertUnwindSafe(|| job.run(conn))).unwrap_or(false);
    if conn.is_autocommit() {
        // A full disk, for example, makes SQLite roll back everything. Whatever ran now would commit by itself.
        return Ended::Spoiled(if keep { Err(lost()) } else { Ok(()) });
    }
    match (keep, in_savepoint) {
        (true, false) => Ended::Kept,
        (true, true) => match conn.execute("RELEASE unit", &[]) {
            Ok(_) => Ended::Kept,
            Err(error) => Ended::Spoiled(Err(error)),
        },
        (false, false) if conn.total_changes() == before => Ended::Refused,
        (false, false) => Ended::Spoiled(Ok(())),
        (false, true) => {
            let undone = conn
                .execute("ROLLBACK TO unit", &[])
                .and_then(|_| conn.execute("RELEASE unit", &[]));
            if undone.is_ok() {
                Ended::Refused
            } else {
                Ended::Spoiled(Ok(()))
            }
        }
    }
}

/// The transaction that a unit of work was part of is gone.
fn lost() -> StoreError {
    StoreError::FailedUnit
}

/// Tells a caller and those who listen. A panic of theirs must not end the writer.
fn release(completion: Completion, result: Result<()>) {
    if catch_unwind(AssertUnwindSafe(|| completion.release(result))).is_err() {
        tracing::error!("hearing of a commit panicked");
    }
}
