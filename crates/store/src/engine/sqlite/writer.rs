//! The writer: one thread that runs units of work in batches. A batch is one transaction and one disk sync.

use crossbeam_channel::Receiver;

use super::{SqliteConn, ready};
use crate::{
    Acknowledge, Result, StoreError,
    engine::batch::{BatchConn, Job, Ran, run_batch},
    tx::TxEngine,
};

#[cfg(test)]
mod tests;

pub(super) fn write_loop(mut conn: SqliteConn, jobs: &Receiver<Box<dyn Job>>, acknowledge: &dyn Acknowledge) {
    while let Ok(first) = jobs.recv() {
        let batch = run_batch(&mut conn, first, || jobs.try_recv().ok(), acknowledge);
        if let Err(error) = ready(batch) {
            tracing::error!(%error, "a batch waited for something");
        }
    }
}

impl BatchConn for SqliteConn {
    const MAX_UNITS: usize = 256;

    async fn begin(&mut self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", &[]).map(|_| ())
    }

    async fn run(&mut self, job: &mut dyn Job) -> Ran {
        let ran = ready(job.run(TxEngine::Sqlite(self)));
        ran.unwrap_or_else(|waited| {
            job.fail(waited.clone());
            Err(Some(waited))
        })
    }

    async fn settle(&mut self) -> Result<()> {
        // Every statement was answered at once.
        Ok(())
    }

    fn changes(&self) -> u64 {
        self.total_changes()
    }

    fn is_lost(&self) -> bool {
        self.is_autocommit()
    }

    fn wants_retry(&self, _: &StoreError) -> bool {
        false
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.execute("SAVEPOINT unit", &[]).map(|_| ())
    }

    async fn release_savepoint(&mut self) -> Result<()> {
        self.execute("RELEASE unit", &[]).map(|_| ())
    }

    async fn undo_savepoint(&mut self) -> Result<()> {
        self.execute("ROLLBACK TO unit", &[])?;
        self.execute("RELEASE unit", &[]).map(|_| ())
    }

    async fn commit(&mut self) -> Result<()> {
        self.execute("COMMIT", &[]).map(|_| ())
    }

    async fn roll_back(&mut self) {
        if !self.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK", &[])
        {
            tracing::error!(%error, "could not roll back");
        }
    }
}
