//! The transaction a unit of work runs in.
//!
//! The methods here run statements and are for this crate only; what use cases call are the resource methods,
//! one file per resource, each an `impl Tx<'_>` block.

use std::sync::Arc;

use ruma::OwnedUserId;

use crate::{
    Result, StoreError, StreamPos, Wakes,
    engine::{PostgresTx, SqliteConn},
    value::{Row, Value},
};

/// An open transaction on either engine.
pub struct Tx<'a> {
    pub(crate) engine: TxEngine<'a>,
    /// A statement failed: this unit may not be committed, whatever it returns.
    pub(crate) failed: Option<StoreError>,
    pub(crate) wakes: Wakes,
}

pub(crate) enum TxEngine<'a> {
    Sqlite(&'a mut SqliteConn),
    Postgres(PostgresTx<'a>),
}

impl<'a> Tx<'a> {
    pub(crate) fn new(engine: TxEngine<'a>) -> Self {
        Self {
            engine,
            failed: None,
            wakes: Wakes::default(),
        }
    }

    /// Says that the next sync of these local users differs once this unit is committed. They are in the order of
    /// their ids.
    pub fn wake(&mut self, users: Arc<[OwnedUserId]>) {
        if !users.is_empty() {
            self.wakes.users.push(users);
        }
    }

    /// Says that the next sync of this local user differs once this unit is committed.
    pub fn wake_user(&mut self, user: &ruma::UserId) {
        self.wakes.users.push(Arc::new([user.to_owned()]));
    }

    /// Refuses text that PostgreSQL can't keep, so that both engines keep the same.
    fn check<'v>(&mut self, params: impl IntoIterator<Item = &'v Value<'v>>) -> Result<()> {
        let has_nul = |param: &Value<'_>| matches!(param, Value::Text(text) if text.as_bytes().contains(&0));
        let result = match params.into_iter().any(has_nul) {
            true => Err(StoreError::NulInText),
            false => Ok(()),
        };
        self.note(result)
    }

    fn note<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }

    /// Runs a statement; returns the number of rows it touched.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        self.check(params)?;
        let result = match &mut self.engine {
            TxEngine::Sqlite(conn) => conn.execute(sql, params),
            TxEngine::Postgres(tx) => tx.execute(sql, params).await,
        };
        self.note(result)
    }

    /// Runs one statement for each list of parameters. PostgreSQL isn't waited for; a failure is found at the
    /// latest before the commit.
    pub(crate) async fn execute_each(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> Result<()> {
        self.check(rows.iter().flatten())?;
        let result = match &mut self.engine {
            TxEngine::Sqlite(conn) => rows
                .iter()
                .try_for_each(|params| conn.execute(sql, params).map(|_| ())),
            TxEngine::Postgres(tx) => {
                let each: Vec<_> = rows.iter().map(|params| (sql, params.as_slice())).collect();
                tx.execute_all(&each).await
            }
        };
        self.note(result)
    }

    /// Runs statements in order whose answers aren't needed. PostgreSQL isn't waited for; a failure is found at
    /// the latest before the commit.
    pub(crate) async fn execute_all(&mut self, statements: &[(&'static str, &[Value<'_>])]) -> Result<()> {
        self.check(statements.iter().flat_map(|(_, params)| *params))?;
        let result = match &mut self.engine {
            TxEngine::Sqlite(conn) => statements
                .iter()
                .try_for_each(|(sql, params)| conn.execute(sql, params).map(|_| ())),
            TxEngine::Postgres(tx) => tx.execute_all(statements).await,
        };
        self.note(result)
    }

    /// Runs one statement whose answer isn't needed, as [`execute_all`](Self::execute_all) does.
    pub(crate) async fn put(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<()> {
        self.execute_all(&[(sql, params)]).await
    }

    /// Runs a query; returns all rows. Every list query has a LIMIT or is bounded by its key.
    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        self.check(params)?;
        let result = match &mut self.engine {
            TxEngine::Sqlite(conn) => conn.query(sql, params),
            TxEngine::Postgres(tx) => tx.query(sql, params).await,
        };
        self.note(result)
    }

    /// Runs one query for each list of parameters, answers in the same order: a loop on SQLite, pipelined on
    /// PostgreSQL.
    pub(crate) async fn query_each(
        &mut self,
        sql: &'static str,
        rows: &[Vec<Value<'_>>],
    ) -> Result<Vec<Vec<Row>>> {
        self.check(rows.iter().flatten())?;
        let result = match &mut self.engine {
            TxEngine::Sqlite(conn) => rows.iter().map(|params| conn.query(sql, params)).collect(),
            TxEngine::Postgres(tx) => tx.query_each(sql, rows).await,
        };
        self.note(result)
    }

    /// Runs a query that answers at most one row.
    pub(crate) async fn query_opt(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a query that always answers one row.
    pub(crate) async fn query_one(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Row> {
        let row = self.query_opt(sql, params).await?;
        row.ok_or_else(|| StoreError::inconsistent("?", "?", "a query that always answers answered nothing"))
    }

    /// The next position, where the engine keeps the counter in memory for as long as it holds it.
    pub(crate) fn held_pos_next(&mut self) -> Option<StreamPos> {
        match &mut self.engine {
            TxEngine::Sqlite(_) => None,
            TxEngine::Postgres(tx) => tx.pos_next(),
        }
    }

    /// The newest position, where the engine keeps the counter in memory for as long as it holds it.
    pub(crate) fn held_pos_now(&self) -> Option<StreamPos> {
        match &self.engine {
            TxEngine::Sqlite(_) => None,
            TxEngine::Postgres(tx) => tx.pos_now(),
        }
    }

    /// The engine's own form of a statement, for the few that differ, such as row locks: SQLite has one writer
    /// and needs none.
    pub(crate) fn choose(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.engine {
            TxEngine::Sqlite(_) => sqlite,
            TxEngine::Postgres(_) => postgres,
        }
    }
}
