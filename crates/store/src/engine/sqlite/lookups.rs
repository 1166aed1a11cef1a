//! Connections for look-ups that are over before another thread would have woken up.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::OpenFlags;

use super::SqliteConn;
use crate::Result;

/// As many look-ups as run at the same time at most; whoever comes then asks a reader.
const CONNECTIONS: usize = 4;
/// Pages kept in memory by each, in KiB: what is looked up is small.
const CACHE_KIB: i64 = 1024;

/// Idle connections; `None` once the engine is closed.
pub(super) struct Lookups(Mutex<Option<Vec<SqliteConn>>>);

impl Lookups {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let open = |_| {
            let conn = SqliteConn::open(path, OpenFlags::default())?;
            conn.conn.pragma_update(None, "query_only", "ON")?;
            conn.conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
            Ok(conn)
        };
        let idle = (0..CONNECTIONS).map(open).collect::<Result<_>>()?;
        Ok(Self(Mutex::new(Some(idle))))
    }

    /// Takes a connection, if one is idle.
    pub(super) fn take(&self) -> Option<SqliteConn> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()?
            .pop()
    }

    /// Gives a connection back; closes it when the engine is closed.
    pub(super) fn give(&self, conn: SqliteConn) {
        if let Some(idle) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            idle.push(conn);
        }
    }

    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
