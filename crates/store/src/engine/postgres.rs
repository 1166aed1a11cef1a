//! PostgreSQL: one writer with group commit, and a pool of connections for reading.

mod address;
mod tx;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadpool_postgres::{Pool, PoolError, Runtime};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::IsolationLevel;
use tokio_util::task::TaskTracker;

use self::writer::Writer;
pub(crate) use self::{address::Address, tx::PostgresTx};
use super::batch::{Job, Unit};
use crate::{Acknowledge, Committed, Reading, Result, StoreError, Tx, Work, tx::TxEngine};

/// Units that may wait for the writer before callers have to wait to enqueue.
const QUEUE: usize = 4096;
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a reader waits for a free connection before its caller is told to come back later.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the database's machine may be silent before a connection counts as broken.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// The PostgreSQL engine.
pub(crate) struct Postgres {
    pool: Pool,
    committed: Arc<dyn Committed>,
    /// Where units wait for the writer; `None` after closing.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    /// The reads under way.
    reads: TaskTracker,
}

impl Postgres {
    pub(crate) async fn open(
        url: &str,
        max_connections: usize,
        acknowledge: Arc<dyn Acknowledge>,
        committed: Arc<dyn Committed>,
    ) -> Result<Self> {
        let mut address = Address::parse(url)?;
        let config = &mut address.config;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config
                .tcp_user_timeout(SILENCE_TIMEOUT)
                .keepalives_idle(SILENCE_TIMEOUT);
        }
        let pool = Pool::builder(address.into_manager())
            .max_size(max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| StoreError::Setup(error.to_string().into()))?;
        let mut client = pool.get().await.map_err(|error| {
            StoreError::Setup(format!("can't reach PostgreSQL: {}", plain(&error)).into())
        })?;
        crate::migrate::postgres(&mut client).await?;
        drop(client);
        let (queue, jobs) = mpsc::channel(QUEUE);
        let writing = TaskTracker::new();
        let writer = writing.spawn(Writer::new(pool.clone()).write_loop(jobs, acknowledge));
        Ok(Self {
            pool,
            committed,
            queue: Mutex::new(Some(queue)),
            writer: tokio::sync::Mutex::new(Some(writer)),
            reads: TaskTracker::new(),
        })
    }

    /// The unit runs in the writer's task, so that a caller who goes away doesn't cut it off in the middle.
    pub(crate) async fn write<W: Work>(&self, work: W) -> Result<W::Out, W::Error> {
        let (job, answered) = Unit::job(work, Arc::clone(&self.committed));
        let queue = self.queue()?;
        queue.send(job).await.map_err(|_| StoreError::Stopped)?;
        answered.await.map_err(|_| W::Error::from(StoreError::Stopped))?
    }

    fn queue(&self) -> Result<mpsc::Sender<Box<dyn Job>>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.clone().ok_or(StoreError::Stopped)
    }

    pub(crate) async fn read<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        E: From<StoreError>,
    {
        self.queue()?;
        let mut client = self.pool.get().await.map_err(in_words)?;
        let builder = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true);
        let transaction = builder.start().await.map_err(StoreError::from)?;
        let mut tx = Tx::new(TxEngine::Postgres(PostgresTx::Reading(&transaction)));
        // Closing waits for it.
        let result = self.reads.track_future(reading(&mut tx)).await;
        // Nothing was written; the end of a read needs no answer.
        drop(transaction);
        result
    }

    /// Needs nothing: the server does it by itself.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        self.queue().map(drop)
    }

    pub(crate) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever closes at the same time waits here until all is done.
        if let Some(writer) = self.writer.lock().await.take()
            && writer.await.is_err()
        {
            tracing::error!("the writer of the store panicked");
        }
        self.reads.close();
        self.reads.wait().await;
        self.pool.close();
    }
}

fn in_words(error: PoolError) -> StoreError {
    match error {
        PoolError::Closed => StoreError::Stopped,
        error => StoreError::Pool(plain(&error).into()),
    }
}

/// The database's own words, without the address or the password of the connection.
fn plain(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => match error.as_db_error() {
            Some(db) => db.message().to_owned(),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}
