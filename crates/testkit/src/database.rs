//! Databases that live as long as a test.

use std::{
    io::Write as _,
    sync::atomic::{AtomicU32, Ordering},
};

use rohrpost_store::{create_database, drop_database};
use tempfile::TempDir;

/// Names the PostgreSQL in which tests make their databases.
const VARIABLE: &str = "ROHRPOST_TEST_POSTGRES";

#[expect(
    clippy::disallowed_methods,
    reason = "the test command names PostgreSQL in the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where a test server keeps everything: a folder, and a database in it or in PostgreSQL.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    postgres: Option<PostgresDatabase>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
            postgres: None,
        }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let postgres = PostgresDatabase::create().await?;
        Some(Self {
            postgres: Some(postgres),
            ..Self::sqlite()
        })
    }

    pub(crate) fn url(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url.clone(),
            None => format!("sqlite:{}", self.folder.path().join("rohrpost.db").display()),
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.postgres.is_none()
    }
}

/// A PostgreSQL database of its own, dropped with this value.
pub struct PostgresDatabase {
    /// Its `postgres://` address.
    pub url: String,
    admin_url: String,
    name: String,
}

impl PostgresDatabase {
    /// Makes one in the PostgreSQL that `ROHRPOST_TEST_POSTGRES` names. `None`, and a line that can be seen, when
    /// there is none.
    ///
    /// # Panics
    /// When there is none although `CI` is set, or when it can't be reached.
    pub async fn create() -> Option<Self> {
        let Some(admin_url) = variable(VARIABLE) else {
            assert!(
                variable("CI").is_none_or(|ci| ci == "false"),
                "{VARIABLE} is not set: nothing was tested on PostgreSQL"
            );
            // Not through eprintln!, which the test harness keeps to itself.
            let told = writeln!(std::io::stderr(), "SKIPPED on PostgreSQL: {VARIABLE} is not set");
            told.expect("standard error can be written");
            return None;
        };
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut random = [0; 4];
        fill(&mut random);
        let name = format!(
            "rohrpost_test_{}_{}_{:08x}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed),
            u32::from_be_bytes(random)
        );
        if let Err(error) = create_database(&admin_url, &name).await {
            panic!("can't make a database in the PostgreSQL that {VARIABLE} names: {error}");
        }
        let (address, parameters) = admin_url.split_once('?').unwrap_or((&admin_url, ""));
        let (server, _) = address.rsplit_once('/').expect("the address ends in a database");
        let url = if parameters.is_empty() {
            format!("{server}/{name}")
        } else {
            format!("{server}/{name}?{parameters}")
        };
        Some(Self { url, admin_url, name })
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let (admin_url, name) = (self.admin_url.clone(), self.name.clone());
        // A thread of its own, because a runtime may be running on this one.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(drop_database(&admin_url, &name))
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            failed => eprintln!("the database {} was left behind: {failed:?}", self.name),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "names of databases must differ between runs"
)]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}
