//! A transaction on a PostgreSQL connection, as [`Tx`](crate::Tx) uses it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use deadpool_postgres::{Object, StatementCache, Transaction};
use futures_util::{FutureExt as _, future::BoxFuture, future::try_join_all, poll};
use tokio_postgres::{Client, Statement, types::ToSql};

use crate::{
    Result, StreamPos,
    value::{OwnedValue, Row, Value},
};

/// A statement under way.
type Sent = BoxFuture<'static, Result<u64, tokio_postgres::Error>>;

/// A transaction on a pooled connection.
pub(crate) enum PostgresTx<'a> {
    /// One that only reads. Dropped, it is rolled back.
    Reading(&'a Transaction<'a>),
    /// The one of the writer.
    Writing(&'a mut Written),
}

/// What the writer's transaction remembers.
pub(crate) struct Written {
    pub(super) client: Arc<Object>,
    /// The newest position that was handed out; the database hears of it at the commit.
    pub(super) pos: i64,
    /// Statements that were sent and not yet answered for. Never locked; that futures are not `Sync` is its reason.
    pending: Mutex<VecDeque<Sent>>,
    /// Changes and failed statements.
    pub(super) changes: u64,
}

impl Written {
    pub(super) fn new(client: Arc<Object>) -> Self {
        Self {
            client,
            pos: 0,
            pending: Mutex::default(),
            changes: 0,
        }
    }

    fn pending(&mut self) -> &mut VecDeque<Sent> {
        self.pending.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a statement without waiting for its answer. The database runs it before whatever is sent later.
    pub(super) async fn send(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<()> {
        self.changes += 1;
        let statement = self.client.prepare_cached(sql).await?;
        let client = Arc::clone(&self.client);
        let params: Vec<OwnedValue> = params.iter().map(OwnedValue::from).collect();
        let mut sent = async move {
            client
                .execute_raw(&statement, params.iter().map(OwnedValue::borrowed))
                .await
        }
        .boxed();
        // Polled once, it is on the wire.
        match poll!(&mut sent) {
            std::task::Poll::Ready(answer) => drop(answer?),
            std::task::Poll::Pending => self.pending().push_back(sent),
        }
        Ok(())
    }

    /// Waits for the answers to all that was sent.
    pub(super) async fn settle(&mut self) -> Result<()> {
        let mut result = Ok(());
        while let Some(sent) = self.pending().pop_front() {
            // The first failure is the cause of those behind it.
            let answer = sent.await;
            if result.is_ok() {
                result = answer.map(drop);
            }
        }
        Ok(result?)
    }

    /// Forgets what was sent, because the transaction is being rolled back.
    pub(super) fn forget(&mut self) {
        self.pending().clear();
    }
}

impl PostgresTx<'_> {
    fn client(&self) -> &Client {
        match self {
            Self::Reading(transaction) => transaction.client(),
            Self::Writing(written) => &written.client,
        }
    }

    async fn prepare(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let statements: &StatementCache = match self {
            Self::Reading(transaction) => &transaction.statement_cache,
            Self::Writing(written) => &written.client.statement_cache,
        };
        statements.prepare(self.client(), sql).await
    }

    /// Counts what may have changed something, and what failed: after that the transaction takes nothing more.
    fn count<T>(&mut self, sql: &str, result: Result<T, tokio_postgres::Error>) -> Result<T> {
        if let Self::Writing(written) = self
            && (result.is_err() || !sql.starts_with("SELECT"))
        {
            written.changes += 1;
        }
        Ok(result?)
    }

    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        let result = async {
            let statement = self.prepare(sql).await?;
            self.client()
                .execute_raw(&statement, params.iter().map(as_sql))
                .await
        }
        .await;
        self.count(sql, result)
    }

    /// Runs statements whose answers nobody looks at. A failure is found at the latest before the commit.
    pub(crate) async fn execute_all(&mut self, statements: &[(&'static str, &[Value<'_>])]) -> Result<()> {
        match self {
            Self::Reading(_) => {
                for (sql, params) in statements {
                    self.execute(sql, params).await?;
                }
            }
            Self::Writing(written) => {
                for (sql, params) in statements {
                    written.send(sql, params).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn query_each(
        &mut self,
        sql: &'static str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<Vec<Vec<Row>>> {
        let result = async {
            let statement = self.prepare(sql).await?;
            // Each future sends its statement when first polled, so all are on the wire before the first answer.
            let sent = rows.iter().map(|params| {
                let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(as_sql).collect();
                let (client, statement) = (self.client(), &statement);
                async move { client.query(statement, &params).await }
            });
            try_join_all(sent).await
        }
        .await;
        let answers = self.count(sql, result)?;
        Ok(answers
            .into_iter()
            .map(|rows| rows.into_iter().map(Row::Postgres).collect())
            .collect())
    }

    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let result = async {
            let statement = self.prepare(sql).await?;
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(as_sql).collect();
            self.client().query(&statement, &params).await
        }
        .await;
        Ok(self.count(sql, result)?.into_iter().map(Row::Postgres).collect())
    }

    /// The next position, out of memory: the writer holds the counter from the beginning of its transaction.
    /// `None` where nothing is written.
    pub(crate) fn pos_next(&mut self) -> Option<StreamPos> {
        let Self::Writing(written) = self else { return None };
        written.changes += 1;
        written.pos += 1;
        Some(StreamPos(written.pos))
    }

    /// The newest position inside the writer's transaction.
    pub(crate) fn pos_now(&self) -> Option<StreamPos> {
        match self {
            Self::Reading(_) => None,
            Self::Writing(written) => Some(StreamPos(written.pos)),
        }
    }
}

fn as_sql<'a>(value: &'a Value<'_>) -> &'a (dyn ToSql + Sync) {
    value
}
