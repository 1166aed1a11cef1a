//! What every test of this kind has around it: our server, a Synapse, and people at both.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::person::Person;
use super::synapse::Synapse;
use crate::database::{PostgresDatabase, variable};
use crate::server::{Federation, Server, free_port};

/// Names the Python that has Synapse.
const VARIABLE: &str = "ROHRPOST_TEST_SYNAPSE";

/// Two servers that reach each other.
pub(crate) struct Pair {
    pub(crate) ours: Server,
    pub(crate) synapse: Synapse,
    /// Holds the certificates and what Synapse keeps.
    _folder: TempDir,
}

/// On whose server somebody has their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Synapse,
}

/// Both, for what has to work from either.
pub(crate) const SIDES: [Side; 2] = [Side::Ours, Side::Synapse];

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Ours => Self::Synapse,
            Self::Synapse => Self::Ours,
        }
    }
}

impl Pair {
    /// Runs a test with our server on SQLite.
    pub(crate) async fn on_sqlite(
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match python()? {
            Some(python) => Self::with(None, python, test).await,
            None => Ok(()),
        }
    }

    /// Runs a test with our server on PostgreSQL, when there is one.
    pub(crate) async fn on_postgres(
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(python) = python()? else { return Ok(()) };
        match PostgresDatabase::create().await? {
            Some(database) => Self::with(Some(database), python, test).await,
            None => Ok(()),
        }
    }

    async fn with(
        database: Option<PostgresDatabase>,
        python: PathBuf,
        test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let folder = TempDir::new().context("no temporary folder")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/interop/certificates.py");
        let made = Command::new(&python)
            .arg(script)
            .arg(folder.path())
            .args(["ours", "synapse"])
            .status()?;
        ensure!(made.success(), "no certificates could be made ({made})");
        let federation = |name: &str| -> anyhow::Result<Federation> {
            Ok(Federation {
                port: free_port()?,
                certificate: folder.path().join(format!("{name}.pem")),
                key: folder.path().join(format!("{name}.key")),
                authority: folder.path().join("authority.pem"),
            })
        };
        let (ours, synapse) = (federation("ours")?, federation("synapse")?);
        let synapse = Synapse::start(&python, folder.path().join("synapse"), synapse);
        let (ours, synapse) = tokio::try_join!(Server::start_among(database, Some(ours)), synapse)?;
        let mut pair = Self {
            ours,
            synapse,
            _folder: folder,
        };
        let outcome = match test(&mut pair).await {
            Ok(()) => pair.look_back(),
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            eprintln!(
                "our server's log:\n{}\nSynapse's last lines:\n{}",
                pair.ours.log(),
                pair.synapse.log()
            );
        }
        let disposed = pair.ours.dispose().await;
        outcome.and(disposed)
    }

    /// Somebody with an account at one of the two.
    pub(crate) async fn person(&self, side: Side, name: &str) -> anyhow::Result<Person> {
        let url = match side {
            Side::Ours => self.ours.url(),
            Side::Synapse => self.synapse.url(),
        };
        Person::register(&url, name).await
    }

    /// The name of one of the two servers.
    pub(crate) fn name(&self, side: Side) -> String {
        match side {
            Side::Ours => self.ours.name(),
            Side::Synapse => self.synapse.name(),
        }
    }

    pub(crate) async fn stop(&mut self, side: Side) -> anyhow::Result<()> {
        match side {
            Side::Ours => self.ours.stop().await,
            Side::Synapse => self.synapse.stop().await,
        }
    }

    pub(crate) async fn run(&mut self, side: Side) -> anyhow::Result<()> {
        match side {
            Side::Ours => self.ours.run().await,
            Side::Synapse => self.synapse.run().await,
        }
    }

    fn look_back(&self) -> anyhow::Result<()> {
        let log = self.ours.log();
        let bug = log
            .lines()
            .find(|line| line.contains(" ERROR ") || line.contains("panicked at"));
        ensure!(bug.is_none(), "the server reports a bug: {bug:?}");
        Ok(())
    }
}

/// The Python that has Synapse. `None`, and a line that can be seen, when there is none.
fn python() -> anyhow::Result<Option<PathBuf>> {
    if let Some(python) = variable(VARIABLE) {
        return Ok(Some(python.into()));
    }
    // Not through eprintln!, which the test harness keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED with Synapse: {VARIABLE} is not set")?;
    Ok(None)
}
