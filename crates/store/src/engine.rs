//! The two engines behind [`Store`]. Nothing outside of this folder knows which one runs.

mod batch;
#[cfg(test)]
mod hot;
mod peek;
mod postgres;
#[cfg(feature = "scratch")]
mod scratch;
mod sqlite;

use std::sync::Arc;

pub use self::peek::peek;
#[cfg(feature = "scratch")]
pub use self::scratch::{create_database, drop_database};
use self::{postgres::Postgres, sqlite::Sqlite};
pub(crate) use self::{postgres::PostgresTx, sqlite::SqliteConn};
use crate::{Acknowledge, Committed, Reading, Result, StoreError, Tx, Work};

/// Everything that is kept. Cheap to clone.
#[derive(Clone)]
pub struct Store(Engine);

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the database that `url` names and brings its schema up to date.
    ///
    /// `url` is `sqlite:PATH` or `postgres://...`. `max_connections` is the size of the PostgreSQL pool, and the
    /// number of readers on SQLite.
    ///
    /// # Errors
    /// `Setup` with words for the operator when the database can't be opened or is of a newer version.
    pub async fn open(
        url: &str,
        max_connections: usize,
        acknowledge: Arc<dyn Acknowledge>,
        committed: Arc<dyn Committed>,
    ) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let sqlite = Sqlite::open(
                path.as_ref(),
                max_connections.clamp(1, 16),
                acknowledge,
                committed,
            )?;
            Ok(Self(Engine::Sqlite(Arc::new(sqlite))))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let postgres = Postgres::open(url, max_connections.max(2), acknowledge, committed).await?;
            Ok(Self(Engine::Postgres(Arc::new(postgres))))
        } else {
            Err(StoreError::Setup(
                "the database url must begin with sqlite: or postgres://".into(),
            ))
        }
    }

    /// Runs a unit of work and returns once it is durable.
    ///
    /// # Errors
    /// The unit's own error, or a [`StoreError`]; in both cases nothing was kept.
    pub async fn write<W: Work>(&self, work: W) -> Result<W::Out, W::Error> {
        match &self.0 {
            Engine::Sqlite(engine) => engine.write(work).await,
            Engine::Postgres(engine) => engine.write(work).await,
        }
    }

    /// Reads from one consistent snapshot. What `reading` writes is not kept.
    ///
    /// # Errors
    /// The closure's own error, or a [`StoreError`].
    pub async fn read<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(engine) => engine.read(reading).await,
            Engine::Postgres(engine) => engine.read(reading).await,
        }
    }

    /// Reads a few rows, such as every request does, from one consistent snapshot. For what takes well below a
    /// millisecond: on SQLite it runs on the caller's own thread.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub async fn look_up<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0 {
            Engine::Sqlite(engine) => engine.look_up(reading).await,
            Engine::Postgres(engine) => engine.read(reading).await,
        }
    }

    /// Moves what was written lately to its place, so that the files hold nothing any more that was overwritten:
    /// redacted content, for example. Writers wait meanwhile, some 100 ms. PostgreSQL does so by itself.
    ///
    /// # Errors
    /// Those of the engine. That the log is in use is none.
    pub async fn checkpoint(&self) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(engine) => engine.checkpoint().await,
            Engine::Postgres(engine) => engine.checkpoint(),
        }
    }

    /// Waits for what is under way and closes the database.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }

    /// The engine's name, for people: `SQLite` or `PostgreSQL`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match &self.0 {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }
}
