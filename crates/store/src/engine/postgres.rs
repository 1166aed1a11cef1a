//! PostgreSQL: a pool of connections, pipelined statements, retries where the database asks for them.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Transaction,
};
use futures_util::future::try_join_all;
use tokio::sync::oneshot;
use tokio_postgres::{IsolationLevel, NoTls, error::SqlState, types::ToSql};
use tokio_util::task::TaskTracker;

use crate::{
    Acknowledge, Committed, Completion, Reading, Result, StoreError, Tx, Work,
    tx::TxEngine,
    value::{Row, Value},
};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a unit waits for a free connection before its caller is told to come back later.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the database's machine may be silent before a connection counts as broken.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a unit is run again when the database asks for it.
const ATTEMPTS: u32 = 5;

/// A transaction on a pooled connection. Dropped without a commit, it is rolled back.
pub(crate) struct PostgresTx<'a>(&'a Transaction<'a>);

impl PostgresTx<'_> {
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.execute_raw(&statement, params.iter().map(as_sql)).await?)
    }

    pub(crate) async fn execute_each(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> Result<()> {
        let statement = self.0.prepare_cached(sql).await?;
        // Each future sends its statement when first polled, so all are on the wire before the first answer.
        let sent = rows
            .iter()
            .map(|params| self.0.execute_raw(&statement, params.iter().map(as_sql)));
        try_join_all(sent).await?;
        Ok(())
    }

    pub(crate) async fn execute_all(&mut self, statements: &[(&'static str, &[Value<'_>])]) -> Result<()> {
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            prepared.push(self.0.prepare_cached(sql).await?);
        }
        let sent = prepared.iter().zip(statements);
        try_join_all(
            sent.map(|(statement, (_, params))| self.0.execute_raw(statement, params.iter().map(as_sql))),
        )
        .await?;
        Ok(())
    }

    pub(crate) async fn query_each(
        &mut self,
        sql: &'static str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<Vec<Vec<Row>>> {
        let statement = self.0.prepare_cached(sql).await?;
        let sent = rows.iter().map(|params| {
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(as_sql).collect();
            let (transaction, statement) = (self.0, &statement);
            async move { transaction.query(statement, &params).await }
        });
        let answers = try_join_all(sent).await?;
        Ok(answers
            .into_iter()
            .map(|rows| rows.into_iter().map(Row::Postgres).collect())
            .collect())
    }

    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let statement = self.0.prepare_cached(sql).await?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(as_sql).collect();
        Ok(self
            .0
            .query(&statement, &params)
            .await?
            .into_iter()
            .map(Row::Postgres)
            .collect())
    }
}

fn as_sql<'a>(value: &'a Value<'_>) -> &'a (dyn ToSql + Sync) {
    value
}

/// The PostgreSQL engine.
pub(crate) struct Postgres {
    pool: Pool,
    acknowledge: Arc<dyn Acknowledge>,
    committed: Arc<dyn Committed>,
    /// The units under way.
    units: TaskTracker,
}

impl Postgres {
    pub(crate) async fn open(
        url: &str,
        max_connections: usize,
        acknowledge: Arc<dyn Acknowledge>,
        committed: Arc<dyn Committed>,
    ) -> Result<Self> {
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|_| StoreError::Setup("the database url is not a valid postgres:// address".into()))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config
                .tcp_user_timeout(SILENCE_TIMEOUT)
                .keepalives_idle(SILENCE_TIMEOUT);
        }
        let manager = Manager::from_config(
            config,
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
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
        Ok(Self {
            pool,
            acknowledge,
            committed,
            units: TaskTracker::new(),
        })
    }

    /// The unit runs in a task of its own, so that a caller who goes away doesn't cut it off in the middle.
    pub(crate) async fn write<W: Work>(self: &Arc<Self>, work: W) -> Result<W::Out, W::Error> {
        self.is_open()?;
        let (answer, answered) = oneshot::channel();
        let engine = Arc::clone(self);
        self.units.spawn(async move { engine.run(work, answer).await });
        answered.await.map_err(|_| W::Error::from(StoreError::Stopped))?
    }

    async fn run<W: Work>(&self, work: W, answer: oneshot::Sender<Result<W::Out, W::Error>>) {
        let mut answer = Some(answer);
        for attempt in 1..=ATTEMPTS {
            match self.run_once(&work, &mut answer).await {
                Ok(()) => return,
                Err((_, Some(cause))) if attempt < ATTEMPTS && wants_retry(&cause) => {
                    tracing::debug!(attempt, %cause, "unit of work runs again");
                }
                Err((error, _)) => {
                    if let Some(answer) = answer.take() {
                        // The caller may have gone away.
                        drop(answer.send(Err(error)));
                    }
                    return;
                }
            }
        }
    }

    /// One attempt. The error carries the store's failure behind it, if there is one.
    async fn run_once<W: Work>(
        &self,
        work: &W,
        answer: &mut Option<oneshot::Sender<Result<W::Out, W::Error>>>,
    ) -> Result<(), (W::Error, Option<StoreError>)> {
        let both = |error: StoreError| (W::Error::from(error.clone()), Some(error));
        let mut client = self.client().await.map_err(both)?;
        let builder = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted);
        let transaction = builder.start().await.map_err(|error| both(error.into()))?;
        let mut tx = Tx::new(TxEngine::Postgres(PostgresTx(&transaction)));
        let result = work.run(&mut tx).await;
        let (failed, wakes) = (tx.failed.take(), std::mem::take(&mut tx.wakes));
        drop(tx);
        let out = match (result, failed) {
            (Err(error), failed) => return Err((error, failed)),
            // After a failed statement the COMMIT would answer Ok with nothing saved.
            (Ok(_), Some(cause)) => return Err((StoreError::FailedUnit.into(), Some(cause))),
            (Ok(out), None) => out,
        };
        let Some(answer) = answer.take() else {
            return Ok(());
        };
        let completion = Completion(Box::new(move |committed| {
            drop(answer.send(committed.map(|()| out).map_err(W::Error::from)));
        }));
        let held = self.acknowledge.finished(completion);
        let committed = transaction.commit().await.map_err(StoreError::from);
        if let Err(error) = &committed {
            tracing::error!(%error, "could not commit");
        }
        let is_committed = committed.is_ok();
        if let Some(held) = held {
            held.release(committed);
        }
        if is_committed && !wakes.users.is_empty() {
            self.committed.committed(wakes);
        }
        Ok(())
    }

    pub(crate) async fn read<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        E: From<StoreError>,
    {
        self.is_open()?;
        let mut client = self.client().await?;
        let builder = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true);
        let transaction = builder.start().await.map_err(StoreError::from)?;
        let mut tx = Tx::new(TxEngine::Postgres(PostgresTx(&transaction)));
        // Closing waits for it.
        let result = self.units.track_future(reading(&mut tx)).await;
        // Nothing was written; the end of a read needs no answer.
        drop(transaction);
        result
    }

    fn is_open(&self) -> Result<()> {
        if self.units.is_closed() {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Needs nothing: the server does it by itself.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        self.is_open()
    }

    async fn client(&self) -> Result<Object> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Closed => StoreError::Stopped,
            error => StoreError::Pool(plain(&error).into()),
        })
    }

    pub(crate) async fn close(&self) {
        self.units.close();
        self.units.wait().await;
        self.pool.close();
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

fn wants_retry(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else {
        return false;
    };
    matches!(
        error.code(),
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
    )
}
