//! What can go wrong while keeping things. Not found is no error, it is `None`.

use std::sync::Arc;

/// A failure of the store. Every one of them means that nothing of the unit of work was kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The SQLite engine refused a statement: disk full, file gone, or a bug in our SQL.
    #[error("sqlite: {0}")]
    Sqlite(Arc<rusqlite::Error>),
    /// The PostgreSQL engine refused a statement or is gone.
    #[error("postgresql: {0}")]
    Postgres(Arc<tokio_postgres::Error>),
    /// No connection to PostgreSQL could be had.
    #[error("no connection to postgresql: {0}")]
    Pool(Arc<str>),
    /// A stored row isn't what this version writes.
    #[error("inconsistent data in {table}.{column}: {detail}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What was expected, without content.
        detail: Arc<str>,
    },
    /// A statement of the unit failed and its error was swallowed, so the unit can't be committed.
    #[error("a statement of this unit of work failed before")]
    FailedUnit,
    /// A text holds a NUL character, which PostgreSQL can't keep. Callers check what comes from outside before.
    #[error("a text with a NUL character can't be kept")]
    NulInText,
    /// The unit awaited something other than the store inside the SQLite writer.
    #[error("a unit of work waited for something other than the store")]
    Waited,
    /// The engine has been stopped, or the unit panicked.
    #[error("the store is stopped")]
    Stopped,
    /// A file of the blob store could not be read or written.
    #[error("blob store: {0}")]
    Blob(Arc<std::io::Error>),
    /// The database can't be opened as configured; the text says what to do.
    #[error("{0}")]
    Setup(Arc<str>),
}

impl StoreError {
    /// A stored row of `table` isn't what this version writes.
    pub(crate) fn inconsistent(
        table: &'static str,
        column: &'static str,
        detail: impl std::fmt::Display,
    ) -> Self {
        Self::Inconsistent {
            table,
            column,
            detail: detail.to_string().into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Blob(Arc::new(error))
    }
}
