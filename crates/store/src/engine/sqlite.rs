//! SQLite: one writer thread with group commit, and a few reader threads.
//!
//! The writer drains its queue and commits what it found with one disk sync, so that many callers share it. Units
//! are futures that are always ready, because every statement is answered at once; one that waits for anything
//! else is an error.

mod lookups;
#[cfg(test)]
pub(super) mod plans;
mod writer;

use std::{
    collections::HashMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::oneshot;

use self::{lookups::Lookups, writer::write_loop};
use super::batch::{Job, Unit};
use crate::{
    Acknowledge, Committed, Reading, Result, StoreError, Tx, Work,
    tx::TxEngine,
    value::{Row, Value},
};

/// Units that may wait for the writer before callers have to wait to enqueue.
const QUEUE: usize = 4096;
/// Prepared statements kept per connection; more than this crate has.
const STATEMENTS: usize = 512;
/// Write-ahead log pages before a checkpoint (4 KiB each): a larger log nearly doubles appends on a big database.
const CHECKPOINT_PAGES: u32 = 8192;

/// A connection with its statements.
pub(crate) struct SqliteConn {
    conn: Connection,
    /// `$1` numbers parameters by first appearance on SQLite, so each text is rewritten to `?1` once. Found by
    /// address and length: the texts never move, and hashing them would cost more.
    texts: HashMap<(usize, usize), Box<str>>,
}

impl SqliteConn {
    fn open(path: &Path, flags: OpenFlags) -> Result<Self> {
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(10))?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else SQLite plans a statement for the values it is given, and plans again whenever a LIMIT is given anew.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", "ON")?;
        conn.pragma_update(None, "cache_size", -8192)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(Self {
            conn,
            texts: HashMap::new(),
        })
    }

    fn statement(&mut self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>> {
        let text = self
            .texts
            .entry((sql.as_ptr().addr(), sql.len()))
            .or_insert_with(|| numbered(sql).into());
        Ok(self.conn.prepare_cached(text)?)
    }

    pub(crate) fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        let mut statement = self.statement(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(params))? as u64)
    }

    pub(crate) fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let mut statement = self.statement(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Row::Sqlite(
                (0..columns)
                    .map(|i| row.get(i))
                    .collect::<rusqlite::Result<_>>()?,
            ));
        }
        Ok(found)
    }

    /// Whether no transaction is open.
    fn is_autocommit(&self) -> bool {
        self.conn.is_autocommit()
    }

    /// Rows that were changed since the connection was opened.
    fn total_changes(&self) -> u64 {
        self.conn.total_changes()
    }

    pub(crate) fn script(&mut self, sql: &str) -> Result<()> {
        Ok(self.conn.execute_batch(sql)?)
    }
}

/// `$3` to `?3`.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut chars = sql.chars().peekable();
    while let Some(char) = chars.next() {
        let is_param = char == '$' && chars.peek().is_some_and(char::is_ascii_digit);
        text.push(if is_param { '?' } else { char });
    }
    text
}

type ReadJob = Box<dyn FnOnce(&mut SqliteConn) + Send>;

/// The SQLite engine.
pub(crate) struct Sqlite {
    queues: Mutex<Option<Queues>>,
    threads: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
    lookups: Lookups,
    committed: Arc<dyn Committed>,
    path: PathBuf,
}

#[derive(Clone)]
struct Queues {
    write: Sender<Box<dyn Job>>,
    read: Sender<ReadJob>,
}

impl Sqlite {
    pub(crate) fn open(
        path: &Path,
        readers: usize,
        acknowledge: Arc<dyn Acknowledge>,
        committed: Arc<dyn Committed>,
    ) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| {
                StoreError::Setup(format!("can't make the folder {}: {error}", folder.display()).into())
            })?;
        }
        let in_words = |error| match error {
            StoreError::Sqlite(error) => {
                StoreError::Setup(format!("can't open the database {}: {error}", path.display()).into())
            }
            other => other,
        };
        let writer = open_writer(path).map_err(in_words)?;

        let (write, write_jobs) = bounded::<Box<dyn Job>>(QUEUE);
        let (read, read_jobs) = bounded::<ReadJob>(QUEUE);
        let mut threads = vec![thread("store-writer", move || {
            write_loop(writer, &write_jobs, &*acknowledge)
        })?];
        for number in 0..readers {
            let mut conn = SqliteConn::open(path, OpenFlags::default()).map_err(in_words)?;
            conn.conn.pragma_update(None, "query_only", "ON")?;
            let jobs: Receiver<ReadJob> = read_jobs.clone();
            threads.push(thread(&format!("store-reader-{number}"), move || {
                while let Ok(job) = jobs.recv() {
                    job(&mut conn);
                }
            })?);
        }
        Ok(Self {
            queues: Mutex::new(Some(Queues { write, read })),
            threads: tokio::sync::Mutex::new(threads),
            lookups: Lookups::open(path)?,
            path: path.to_owned(),
            committed,
        })
    }

    fn queues(&self) -> Result<Queues> {
        self.queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StoreError::Stopped)
    }

    pub(crate) async fn write<W: Work>(&self, work: W) -> Result<W::Out, W::Error> {
        let (job, answered) = Unit::job(work, Arc::clone(&self.committed));
        enqueue(self.queues()?.write, job).await?;
        answered.await.map_err(|_| W::Error::from(StoreError::Stopped))?
    }

    pub(crate) async fn read<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // The caller may have gone away.
        let job: ReadJob = Box::new(move |conn| drop(answer.send(run_reading(conn, reading))));
        let queue = self.queues()?.read;
        enqueue(queue, job).await?;
        answered.await.map_err(|_| E::from(StoreError::Stopped))?
    }

    /// Reads on this very thread. Waking a reader and being woken by it would cost more than the look-up.
    pub(crate) async fn look_up<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(mut conn) = self.lookups.take() else {
            return self.read(reading).await;
        };
        let result = run_reading(&mut conn, reading);
        self.lookups.give(conn);
        result
    }

    /// Moves the write-ahead log into the database and empties it. On a connection of its own, because the writer
    /// is always inside of a transaction; writers wait meanwhile.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        self.queues()?;
        let path = self.path.clone();
        let emptied = tokio::task::spawn_blocking(move || {
            let conn = SqliteConn::open(&path, OpenFlags::default())?.conn;
            Ok::<i64, StoreError>(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?)
        });
        if emptied.await.map_err(|_| StoreError::Stopped)?? != 0 {
            tracing::debug!("the write-ahead log is in use and could not be emptied");
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.lookups.close();
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever closes at the same time waits here until all is done.
        let mut running = self.threads.lock().await;
        let threads = std::mem::take(&mut *running);
        let joined = tokio::task::spawn_blocking(|| {
            threads
                .into_iter()
                .map(JoinHandle::join)
                .filter(|r| r.is_err())
                .count()
        });
        if joined.await.is_ok_and(|panicked| panicked > 0) {
            tracing::error!("a thread of the store panicked");
        }
    }
}

/// Reads from one snapshot. A panic of the closure ends the read, not the thread.
fn run_reading<T, E, F>(conn: &mut SqliteConn, reading: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E>,
    E: From<StoreError>,
{
    let result = catch_unwind(AssertUnwindSafe(|| {
        conn.execute("BEGIN", &[])?;
        let result = ready(reading(&mut Tx::new(TxEngine::Sqlite(conn))));
        result.unwrap_or_else(|error| Err(error.into()))
    }));
    if let Err(error) = conn.execute("ROLLBACK", &[]) {
        tracing::debug!(%error, "could not end a read");
    }
    result.unwrap_or_else(|_| Err(StoreError::Stopped.into()))
}

/// Switches to the write-ahead log. Where others open the database at the same moment, SQLite refuses this at once instead
/// of waiting as it does everywhere else.
fn use_write_ahead_log(conn: &Connection) -> Result<()> {
    let mut tries_left = 500;
    loop {
        match conn.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if tries_left > 0 && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
            {
                tries_left -= 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return Ok(done?),
        }
    }
}

fn open_writer(path: &Path) -> Result<SqliteConn> {
    let mut writer = SqliteConn::open(path, OpenFlags::default())?;
    use_write_ahead_log(&writer.conn)?;
    writer
        .conn
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // What is redacted or removed is overwritten and not only unlinked.
    writer.conn.pragma_update(None, "secure_delete", "ON")?;
    crate::migrate::sqlite(&mut writer)?;
    Ok(writer)
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map_err(|error| StoreError::Setup(format!("can't start a thread: {error}").into()))
}

/// Puts a job into a queue without blocking the runtime.
async fn enqueue<J: Send + 'static>(queue: Sender<J>, job: J) -> Result<()> {
    match queue.try_send(job) {
        Ok(()) => Ok(()),
        Err(crossbeam_channel::TrySendError::Disconnected(_)) => Err(StoreError::Stopped),
        Err(crossbeam_channel::TrySendError::Full(job)) => {
            let sent = tokio::task::spawn_blocking(move || queue.send(job)).await;
            sent.map_err(|_| StoreError::Stopped)?
                .map_err(|_| StoreError::Stopped)
        }
    }
}

/// Polls a future that is always ready.
fn ready<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(StoreError::Waited),
    }
}
