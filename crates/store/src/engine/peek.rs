//! Looks at a database without changing it: for the doctor, and before an upgrade.

use super::postgres::Address;
use crate::{Result, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

const SQLITE_TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_steps'";
const POSTGRES_TABLE: &str = "SELECT to_regclass('schema_steps') IS NOT NULL";
const VERSION: &str = "SELECT COALESCE(MAX(step), 0) FROM schema_steps";

/// The version of a database's schema. `None`: the database is empty, or is a SQLite file that isn't there yet.
///
/// # Errors
/// `Setup` with words for the operator when it can't be reached or isn't a database.
pub async fn peek(url: &str) -> Result<Option<i64>> {
    match url.strip_prefix("sqlite:") {
        Some(path) => sqlite(path.as_ref()),
        None => postgres(url).await,
    }
}

fn sqlite(path: &std::path::Path) -> Result<Option<i64>> {
    if !path.exists() {
        return Ok(None);
    }
    let look = || {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let is_ours: Option<i64> = conn.query_row(SQLITE_TABLE, [], |row| row.get(0)).optional()?;
        is_ours
            .map(|_| conn.query_row(VERSION, [], |row| row.get(0)))
            .transpose()
    };
    look().map_err(|error: rusqlite::Error| {
        StoreError::Setup(format!("can't read the database {}: {error}", path.display()).into())
    })
}

async fn postgres(url: &str) -> Result<Option<i64>> {
    let unreachable = |error: tokio_postgres::Error| {
        // The error's own text is only "db error" or "error connecting to server"; the reason is its source.
        let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        StoreError::Setup(format!("can't reach PostgreSQL: {reason}").into())
    };
    let (client, connection) = Address::parse(url)?.connect().await.map_err(unreachable)?;
    let look = async {
        if !client.query_one(POSTGRES_TABLE, &[]).await?.get::<_, bool>(0) {
            return Ok(None);
        }
        Ok(Some(client.query_one(VERSION, &[]).await?.get(0)))
    };
    tokio::select! {
        version = look => version.map_err(unreachable),
        ended = connection => Err(ended.err().map_or(StoreError::Stopped, unreachable)),
    }
}
