//! Databases for tests: made fresh, looked at from outside, thrown away.

use std::{io::Write as _, path::PathBuf, sync::Once};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A database of a test's own. Gone when dropped.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    /// SQLite: where its file is.
    folder: TempDir,
    /// PostgreSQL: the server's maintenance database, and our database's name.
    server: Option<(String, String)>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test environment says where PostgreSQL is"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where PostgreSQL is. `None`: nowhere, which is said once, past the test harness that would swallow it.
fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = environment("ROHRPOST_TEST_POSTGRES");
    if server.is_none() {
        let is_ci = environment("CI").is_some_and(|value| value == "true");
        assert!(
            !is_ci,
            "ROHRPOST_TEST_POSTGRES must name a PostgreSQL server when CI=true"
        );
        SAID.call_once(|| {
            let text = "\nNOT TESTED: PostgreSQL. Set ROHRPOST_TEST_POSTGRES=postgres://user@127.0.0.1:PORT/postgres\n\n";
            std::io::stderr().write_all(text.as_bytes()).unwrap();
        });
    }
    server
}

impl Database {
    pub(crate) fn fresh(engine: Engine, runtime: &Runtime) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if engine == Engine::Sqlite {
            let url = format!("sqlite:{}", folder.path().join("test.db").display());
            return Some(Self {
                engine,
                url,
                folder,
                server: None,
            });
        }
        let server = server()?;
        // The folder's name is random, and lower case makes it a name that needs no quotes.
        let name = format!(
            "rohrpost{}",
            folder
                .path()
                .display()
                .to_string()
                .to_lowercase()
                .replace(['/', '.', '-'], "_")
        );
        // A German collation by default: the order of answers must not depend on it.
        let sql = format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'"
        );
        runtime
            .block_on(async { connect(&server).await.batch_execute(&sql).await })
            .unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        Some(Self {
            engine,
            url: format!("{base}/{name}"),
            folder,
            server: Some((server, name)),
        })
    }

    /// The SQLite file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// A folder that goes away with this database.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Rows of integers, from a connection of its own that sees only what is committed. Blocks.
    pub(crate) fn look(&self, sql: &str) -> Vec<Vec<i64>> {
        if self.engine == Engine::Sqlite {
            let conn = rusqlite::Connection::open(self.path()).unwrap();
            let mut statement = conn.prepare(sql).unwrap();
            let columns = statement.column_count();
            let rows = statement
                .query_map([], |row| (0..columns).map(|i| row.get(i)).collect())
                .unwrap();
            return rows.map(Result::unwrap).collect();
        }
        self.outside(async |client| {
            let rows = client.query(sql, &[]).await.unwrap();
            rows.iter()
                .map(|row| (0..row.len()).map(|i| row.get(i)).collect())
                .collect()
        })
    }

    /// One integer, from a connection of its own. Blocks.
    pub(crate) fn look_one(&self, sql: &str) -> i64 {
        self.look(sql)[0][0]
    }

    /// Runs statements on a connection of its own. Blocks.
    pub(crate) fn meddle(&self, sql: &str) {
        if self.engine == Engine::Sqlite {
            rusqlite::Connection::open(self.path())
                .unwrap()
                .execute_batch(sql)
                .unwrap();
        } else {
            self.outside(async |client| client.batch_execute(sql).await.unwrap());
        }
    }

    /// On a thread of its own, so that it works inside of callbacks that block.
    fn outside<T: Send>(&self, body: impl AsyncFnOnce(&Client) -> T + Send) -> T {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { body(&connect(&self.url).await).await })
        };
        std::thread::scope(|scope| scope.spawn(run).join().unwrap())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = &self.server else {
            return;
        };
        let drop_it = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            runtime
                .block_on(async { connect(server).await.batch_execute(&sql).await })
                .unwrap();
        };
        std::thread::scope(|scope| scope.spawn(drop_it).join().unwrap());
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    // It ends with its client, or with the runtime.
    drop(tokio_util::task::TaskTracker::new().spawn(connection));
    client
}
