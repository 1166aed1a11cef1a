//! The writer: one task with one connection that runs units of work in batches.
//!
//! A batch begins by locking the counter of positions. So the writers of several nodes follow each other batch by
//! batch, positions become visible in order, and no two of them can wait for each other's rows. Statements whose
//! answers nobody needs are not waited for, and one commit serves the whole batch: what a unit costs is the round
//! trips of what it reads.

use std::sync::Arc;

use deadpool_postgres::{Object, Pool};
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;

use super::PostgresTx;
use super::{in_words, tx::Written};
use crate::{
    Acknowledge, Result, StoreError,
    engine::batch::{BatchConn, Job, Ran, run_batch},
    tx::TxEngine,
    value::params,
};

/// The connection of the writer, made anew when it broke.
pub(super) struct Writer {
    pool: Pool,
    written: Option<Written>,
    /// The position at the beginning of the transaction, and at the savepoint.
    began_at: i64,
    savepoint_at: i64,
    /// Those of connections that broke.
    changes: u64,
}

impl Writer {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            pool,
            written: None,
            began_at: 0,
            savepoint_at: 0,
            changes: 0,
        }
    }

    /// Runs until nobody can give it anything any more.
    pub(super) async fn write_loop(
        mut self,
        mut jobs: mpsc::Receiver<Box<dyn Job>>,
        acknowledge: Arc<dyn Acknowledge>,
    ) {
        while let Some(first) = jobs.recv().await {
            run_batch(&mut self, first, || jobs.try_recv().ok(), &*acknowledge).await;
        }
    }

    /// The connection, which is there inside of a transaction.
    fn written(&mut self) -> Result<&mut Written> {
        self.written.as_mut().ok_or(StoreError::FailedUnit)
    }

    async fn try_begin(&mut self) -> Result<()> {
        let written = match &mut self.written {
            Some(written) if !written.client.is_closed() => written,
            broken => {
                self.changes += broken.as_ref().map_or(0, |written| written.changes) + 1;
                *broken = None;
                let client: Object = self.pool.get().await.map_err(in_words)?;
                broken.insert(Written::new(Arc::new(client)))
            }
        };
        written.forget();
        let client = Arc::clone(&written.client);
        let lock = client
            .prepare_cached("SELECT pos FROM stream WHERE id = 1 FOR UPDATE")
            .await?;
        let (begun, locked) = tokio::join!(
            client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            client.query_one(&lock, &[])
        );
        begun?;
        written.pos = locked?.try_get(0)?;
        self.began_at = written.pos;
        Ok(())
    }
}

impl BatchConn for Writer {
    const MAX_UNITS: usize = 64;

    async fn begin(&mut self) -> Result<()> {
        let had_connection = self.written.is_some();
        match self.try_begin().await {
            // A connection that died while it was idle is only found out by using it.
            Err(_) if had_connection => {
                self.written = None;
                self.try_begin().await
            }
            begun => begun,
        }
        .inspect_err(|_| self.written = None)
    }

    async fn run(&mut self, job: &mut dyn Job) -> Ran {
        match self.written() {
            Ok(written) => job.run(TxEngine::Postgres(PostgresTx::Writing(written))).await,
            Err(error) => {
                job.fail(error.clone());
                Err(Some(error))
            }
        }
    }

    async fn settle(&mut self) -> Result<()> {
        self.written()?.settle().await
    }

    fn changes(&self) -> u64 {
        self.changes + self.written.as_ref().map_or(0, |written| written.changes)
    }

    fn is_lost(&self) -> bool {
        self.written
            .as_ref()
            .is_none_or(|written| written.client.is_closed())
    }

    fn wants_retry(&self, error: &StoreError) -> bool {
        let StoreError::Postgres(error) = error else {
            return false;
        };
        matches!(
            error.code(),
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
        )
    }

    async fn savepoint(&mut self) -> Result<()> {
        let written = self.written()?;
        let pos = written.pos;
        written.send("SAVEPOINT unit", &[]).await?;
        self.savepoint_at = pos;
        Ok(())
    }

    async fn release_savepoint(&mut self) -> Result<()> {
        self.written()?.send("RELEASE SAVEPOINT unit", &[]).await
    }

    async fn undo_savepoint(&mut self) -> Result<()> {
        let pos = self.savepoint_at;
        let written = self.written()?;
        written.forget();
        written.pos = pos;
        written
            .client
            .batch_execute("ROLLBACK TO SAVEPOINT unit; RELEASE SAVEPOINT unit")
            .await?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        let began_at = self.began_at;
        let written = self.written()?;
        if written.pos != began_at {
            let pos = written.pos;
            written
                .send("UPDATE stream SET pos = $1 WHERE id = 1", params![pos])
                .await?;
        }
        let client = Arc::clone(&written.client);
        let (settled, committed) = tokio::join!(written.settle(), client.batch_execute("COMMIT"));
        // After a failed statement the COMMIT would answer Ok with nothing saved.
        settled?;
        Ok(committed?)
    }

    async fn roll_back(&mut self) {
        let Some(written) = &mut self.written else { return };
        written.forget();
        if let Err(error) = written.client.batch_execute("ROLLBACK").await {
            tracing::debug!(%error, "could not roll back");
            self.changes += written.changes + 1;
            self.written = None;
        }
    }
}
