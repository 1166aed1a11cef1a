//! What every test has around it: a server, people, and a look at what the server could have read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::database::PostgresDatabase;
use crate::device::Device;
use crate::server::Server;

/// How long anything may take to arrive, on a busy computer.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// How often an expectation is looked at again.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(40);

/// How much of the server's log a failure shows.
const LOG_LINES: usize = 60;

/// One test's server, and the texts that nobody but the people may know.
pub(crate) struct Lab {
    pub(crate) server: Server,
    secrets: Vec<String>,
    names: Mutex<Vec<String>>,
    troubles: Troubles,
}

/// What went wrong in the background.
#[derive(Clone, Default)]
pub(crate) struct Troubles(Arc<Mutex<Vec<String>>>);

impl Troubles {
    pub(crate) fn add(&self, trouble: String) {
        eprintln!("{trouble}");
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(trouble);
    }

    pub(crate) fn ensure_none(&self) -> anyhow::Result<()> {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            troubles.is_empty(),
            "{} in the background, the first: {}",
            troubles.len(),
            troubles[0]
        );
        Ok(())
    }
}

impl Lab {
    /// Runs a test on SQLite.
    pub(crate) async fn on_sqlite(
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        Self::run(None, test).await
    }

    /// Runs a test on PostgreSQL, when there is one.
    pub(crate) async fn on_postgres(
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(database) = PostgresDatabase::create().await? else {
            return Ok(());
        };
        Self::run(Some(database), test).await
    }

    async fn run(
        database: Option<PostgresDatabase>,
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let server = Server::start(database).await?;
        let mut lab = Self {
            server,
            secrets: Vec::new(),
            names: Mutex::default(),
            troubles: Troubles::default(),
        };
        let outcome = match test(&mut lab).await {
            Ok(()) => lab.look_back().await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            let log = lab.server.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.len().saturating_sub(LOG_LINES);
            eprintln!("the server's last lines:\n{}", lines[last..].join("\n"));
        }
        let disposed = lab.server.dispose().await;
        outcome.and(disposed)
    }

    /// A person of this server, at a first device.
    pub(crate) async fn register(&self, name: &str) -> anyhow::Result<Device> {
        self.register_through(&self.server.url(), name).await
    }

    /// The same over another way to the server.
    pub(crate) async fn register_through(&self, url: &str, name: &str) -> anyhow::Result<Device> {
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.to_owned());
        Device::register(url, name, self.troubles.clone()).await
    }

    /// Another device of a person.
    pub(crate) async fn log_in(&self, name: &str) -> anyhow::Result<Device> {
        Device::log_in(&self.server.url(), name, self.troubles.clone()).await
    }

    /// A text that only the people in a room may ever see: afterwards it is searched for in all that the server has.
    pub(crate) fn secret(&mut self, text: &str) -> String {
        let text = format!("{text} (canary {})", self.secrets.len());
        self.secrets.push(text.clone());
        text
    }

    async fn look_back(&self) -> anyhow::Result<()> {
        self.troubles.ensure_none()?;
        let log = self.server.log();
        let bug = log
            .lines()
            .find(|line| line.contains(" ERROR ") || line.contains("panicked at"));
        ensure!(bug.is_none(), "the server reports a bug: {bug:?}");
        for text in &self.secrets {
            let places = self.server.places_containing(text).await?;
            ensure!(places.is_empty(), "the server could read {text:?} in {places:?}");
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for name in names {
            let places = self.server.places_containing(&name).await?;
            ensure!(
                !places.is_empty(),
                "the search for plaintext finds not even the name {name}"
            );
            ensure!(
                !self.server.log().contains(&name),
                "the server's log names {name}"
            );
        }
        Ok(())
    }
}

/// Waits until something holds, which a test can only ask for again and again.
pub(crate) async fn eventually<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + ARRIVES_WITHIN;
    loop {
        if let Some(found) = ask()
            .await
            .with_context(|| format!("while waiting until {what}"))?
        {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("waited {ARRIVES_WITHIN:?} in vain until {what}");
        }
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
}

/// The same for what is only true or false.
pub(crate) async fn eventually_true(
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    eventually(what, async || Ok(ask().await?.then_some(()))).await
}
