//! What the tests stand on: a database for each, units of work as closures, and a second connection that sees
//! only what is committed.

mod database;
mod proxy;
mod things;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use rohrpost_store::{Acknowledge, AfterCommit, Committed, Store, StoreError, Tx, Wakes, Work};
use tokio::runtime::Runtime;

pub(crate) use self::{
    database::{Database, Engine},
    proxy::Proxy,
    things::{alice, append, bob, event_id, pos, put_event, room, room_id, user},
};

/// A closure as a unit of work.
pub(crate) struct Unit<F>(F);

pub(crate) fn unit<F, T>(body: F) -> Unit<F>
where
    F: for<'a> Fn(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, StoreError>>,
{
    Unit(body)
}

impl<F, T> Work for Unit<F>
where
    F: for<'a> Fn(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
    T: Send + 'static,
{
    type Out = T;
    type Error = StoreError;

    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<T, StoreError>> + Send {
        (self.0)(tx)
    }
}

/// Runs a block as a unit of work that must succeed: `tx!(db, |tx| { tx.pos_next().await? })`.
macro_rules! tx {
    ($db:expr, |$tx:ident| $body:expr) => {
        $crate::support::try_tx!($db, |$tx| Ok($body)).unwrap()
    };
}

/// Runs a block as a unit of work and gives its result.
macro_rules! try_tx {
    ($db:expr, |$tx:ident| $body:expr) => {
        $db.store
            .write($crate::support::unit(move |$tx| Box::pin(async move { $body })))
            .await
    };
}

/// Runs a block in a reading snapshot that must succeed.
macro_rules! read {
    ($db:expr, |$tx:ident| $body:expr) => {
        $db.store
            .read(move |$tx| Box::pin(async move { Ok::<_, rohrpost_store::StoreError>($body) }))
            .await
            .unwrap()
    };
}

pub(crate) use {read, try_tx, tx};

/// Keeps the wakes it is told of.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Wakes>>);

impl Heard {
    /// The users of each call so far, in order.
    pub(crate) fn users(&self) -> Vec<Vec<String>> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = |wakes: &Wakes| {
            wakes
                .users
                .iter()
                .flat_map(|users| users.iter())
                .map(ToString::to_string)
                .collect()
        };
        heard.iter().map(names).collect()
    }
}

impl Committed for Heard {
    fn committed(&self, wakes: Wakes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(wakes);
    }
}

/// An open store in a database of its own.
pub(crate) struct Db {
    pub(crate) store: Store,
    pub(crate) database: Arc<Database>,
    pub(crate) heard: Arc<Heard>,
}

impl Db {
    pub(crate) async fn open(database: &Arc<Database>) -> Self {
        let heard = Arc::new(Heard::default());
        let store = open(&database.url, Arc::new(AfterCommit), heard.clone()).await;
        Self {
            store,
            database: database.clone(),
            heard,
        }
    }

    /// Whether this runs on SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.engine == Engine::Sqlite
    }
}

/// Opens a store with eight connections, the number that most tests need at once.
pub(crate) async fn open(
    url: &str,
    acknowledge: Arc<dyn Acknowledge>,
    committed: Arc<dyn Committed>,
) -> Store {
    Store::open(url, 8, acknowledge, committed).await.unwrap()
}

/// Runs a test on each engine with an open store.
pub(crate) fn on_both(test: impl AsyncFn(&Db)) {
    on_both_blocking(|db, runtime| runtime.block_on(test(db)));
}

/// Runs a test on each engine, for those that need the runtime in their hands.
pub(crate) fn on_both_blocking(test: impl Fn(&Db, &Runtime)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            let db = runtime.block_on(Db::open(database));
            test(&db, runtime);
            runtime.block_on(db.store.close());
        });
    }
}

/// Runs a test on one engine, with a fresh database that nobody has opened. Does nothing, and says so, on
/// PostgreSQL without a server.
pub(crate) fn on(engine: Engine, test: impl FnOnce(&Arc<Database>, &Runtime)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    if let Some(database) = Database::fresh(engine, &runtime) {
        // Dropped on a panic as well, and with it the database.
        let database = Arc::new(database);
        test(&database, &runtime);
    }
}
