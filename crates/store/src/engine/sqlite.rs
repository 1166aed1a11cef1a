//! SQLite: one writer thread with group commit, and a few reader threads.
//!
//! The writer drains its queue, gives each unit of work a savepoint and commits the batch with one disk sync, so
//! that many callers share it. Units are futures that are always ready, because every statement is answered at
//! once; one that waits for anything else is an error.

use std::{
    collections::HashMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::{
    Acknowledge, Committed, Completion, Reading, Result, StoreError, Tx, Work,
    tx::TxEngine,
    value::{Row, Value},
};

/// Units that share one commit at most: bounds the time that the first of them waits for the last.
const MAX_BATCH: usize = 256;
/// Units that may wait for the writer before callers have to wait to enqueue.
const QUEUE: usize = 4096;
/// Prepared statements kept per connection; more than this crate has.
const STATEMENTS: usize = 512;
/// Write-ahead log pages before a checkpoint (4 KiB each): a larger log nearly doubles appends on a big database.
const CHECKPOINT_PAGES: u32 = 8192;

/// A connection with its statements.
pub(crate) struct SqliteConn {
    conn: Connection,
    /// `$1` numbers parameters by first appearance on SQLite, so each text is rewritten to `?1` once.
    texts: HashMap<&'static str, Box<str>>,
}

impl SqliteConn {
    fn open(path: &Path, flags: OpenFlags) -> Result<Self> {
        let conn = Connection::open_with_flags(path, flags).map_err(|error| {
            StoreError::Setup(format!("can't open the database {}: {error}", path.display()).into())
        })?;
        conn.busy_timeout(Duration::from_secs(10))?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
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
        let text = self.texts.entry(sql).or_insert_with(|| numbered(sql).into());
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

/// What a unit left behind in the writer.
enum Ran {
    Keep(Completion),
    Discard(Completion),
}

type WriteJob = Box<dyn FnOnce(&mut SqliteConn) -> Ran + Send>;
type ReadJob = Box<dyn FnOnce(&mut SqliteConn) + Send>;

/// The SQLite engine.
pub(crate) struct Sqlite {
    queues: Mutex<Option<Queues>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    committed: Arc<dyn Committed>,
}

#[derive(Clone)]
struct Queues {
    write: Sender<WriteJob>,
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
        let mut writer = SqliteConn::open(path, OpenFlags::default())?;
        writer.conn.pragma_update(None, "journal_mode", "WAL")?;
        writer
            .conn
            .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        crate::migrate::sqlite(&mut writer)?;

        let (write, write_jobs) = bounded::<WriteJob>(QUEUE);
        let (read, read_jobs) = bounded::<ReadJob>(QUEUE);
        let mut threads = vec![thread("store-writer", move || {
            write_loop(writer, &write_jobs, &*acknowledge)
        })?];
        for number in 0..readers {
            let mut conn = SqliteConn::open(path, OpenFlags::default())?;
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
            threads: Mutex::new(threads),
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
        let (answer, answered) = oneshot::channel();
        let committed = Arc::clone(&self.committed);
        let job: WriteJob = Box::new(move |conn| {
            let mut tx = Tx::new(TxEngine::Sqlite(conn));
            let result = ready(work.run(&mut tx)).unwrap_or_else(|error| Err(error.into()));
            let (failed, wakes) = (tx.failed.take(), std::mem::take(&mut tx.wakes));
            match (result, failed) {
                (Ok(_), Some(_)) => Ran::Discard(Completion(Box::new(move |_| {
                    drop(answer.send(Err(StoreError::FailedUnit.into())))
                }))),
                (Err(error), _) => Ran::Discard(Completion(Box::new(move |_| drop(answer.send(Err(error)))))),
                (Ok(out), None) => Ran::Keep(Completion(Box::new(move |commit| {
                    let is_committed = commit.is_ok();
                    // The caller may have gone away; what it did stands, and others are told of it below.
                    drop(answer.send(commit.map(|()| out).map_err(W::Error::from)));
                    if is_committed && !wakes.users.is_empty() {
                        committed.committed(wakes);
                    }
                }))),
            }
        });
        let queue = self.queues()?.write;
        enqueue(queue, job).await?;
        answered.await.map_err(|_| W::Error::from(StoreError::Stopped))?
    }

    pub(crate) async fn read<T, E, F>(&self, reading: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Reading<'t, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |conn| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                conn.execute("BEGIN", &[])?;
                let result = ready(reading(&mut Tx::new(TxEngine::Sqlite(conn))));
                result.unwrap_or_else(|error| Err(error.into()))
            }));
            if let Err(error) = conn.script("ROLLBACK") {
                tracing::debug!(%error, "could not end a read");
            }
            // The caller may have gone away.
            drop(answer.send(result.unwrap_or_else(|_| Err(StoreError::Stopped.into()))));
        });
        let queue = self.queues()?.read;
        enqueue(queue, job).await?;
        answered.await.map_err(|_| E::from(StoreError::Stopped))?
    }

    pub(crate) async fn close(&self) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
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

fn write_loop(mut conn: SqliteConn, jobs: &Receiver<WriteJob>, acknowledge: &dyn Acknowledge) {
    let mut waiting = Vec::with_capacity(MAX_BATCH);
    while let Ok(first) = jobs.recv() {
        let begun = conn.execute("BEGIN IMMEDIATE", &[]).map(|_| ());
        let mut next = Some(first);
        let mut ran = 0_u32;
        while let Some(job) = next {
            match &begun {
                // Without a transaction nothing may run. Dropping the job tells its caller.
                Err(_) => drop(job),
                Ok(()) => {
                    if let Some(completion) = run_in_savepoint(&mut conn, job) {
                        waiting.extend(acknowledge.finished(completion));
                    }
                }
            }
            ran += 1;
            next = if waiting.len() < MAX_BATCH && ran < 2 * MAX_BATCH as u32 {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        let committed = begun.and_then(|()| conn.execute("COMMIT", &[]).map(|_| ()));
        if let Err(error) = &committed {
            tracing::error!(%error, units = waiting.len(), "could not commit");
            if let Err(error) = conn.script("ROLLBACK") {
                tracing::debug!(%error, "nothing to roll back");
            }
        }
        metrics::histogram!("rohrpost_store_batch_units").record(f64::from(ran));
        for completion in waiting.drain(..) {
            completion.release(committed.clone());
        }
    }
}

/// Runs one unit. A unit that fails or panics leaves nothing behind and answers at once.
fn run_in_savepoint(conn: &mut SqliteConn, job: WriteJob) -> Option<Completion> {
    let ran = match conn.execute("SAVEPOINT unit", &[]) {
        Ok(_) => catch_unwind(AssertUnwindSafe(|| job(conn))),
        Err(error) => {
            tracing::error!(%error, "could not begin a unit of work");
            return None;
        }
    };
    let (keep, completion) = match ran {
        Ok(Ran::Keep(completion)) => (true, Some(completion)),
        Ok(Ran::Discard(completion)) => (false, Some(completion)),
        Err(_) => (false, None),
    };
    let ended = if keep {
        conn.execute("RELEASE unit", &[])
    } else {
        conn.execute("ROLLBACK TO unit", &[])
            .and_then(|_| conn.execute("RELEASE unit", &[]))
    };
    match (ended, completion) {
        (Ok(_), Some(completion)) if keep => Some(completion),
        (Ok(_), Some(completion)) => {
            completion.release(Ok(()));
            None
        }
        (Ok(_), None) => None,
        // For example a full disk, which rolls the whole transaction back.
        (Err(error), Some(completion)) => {
            completion.release(Err(error));
            None
        }
        (Err(_), None) => None,
    }
}
