//! The server as an operator runs it: started by a command, ended by its process id, started again on the same data.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::reqwest;
use tempfile::TempDir;

use crate::database::{PostgresDatabase, variable};

/// Names the program under test.
const PROGRAM: &str = "ROHRPOST_BIN";

/// A debug build on a busy computer takes its time.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What README promises of SIGTERM.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A server with its folder and database.
pub(crate) struct Server {
    folder: TempDir,
    database: Option<PostgresDatabase>,
    program: PathBuf,
    port: u16,
    federation: Option<Federation>,
    child: Option<Child>,
}

/// What a server needs to speak with others. Its name is `127.0.0.1` with the port.
#[derive(Clone)]
pub(crate) struct Federation {
    pub(crate) port: u16,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The certificate of the authority that made those of all.
    pub(crate) authority: PathBuf,
}

impl Server {
    /// Writes the configuration, starts the program and waits until it is healthy.
    pub(crate) async fn start(database: Option<PostgresDatabase>) -> anyhow::Result<Self> {
        Self::start_among(database, None).await
    }

    /// The same for one that speaks with others. Encryption is for its people to choose then.
    pub(crate) async fn start_among(
        database: Option<PostgresDatabase>,
        federation: Option<Federation>,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::new().context("no temporary folder")?;
        let mut server = Self {
            folder,
            database,
            program: program()?,
            port: free_port()?,
            federation,
            child: None,
        };
        fs::write(server.configuration(), server.configured())?;
        server.run().await?;
        Ok(server)
    }

    /// Where clients reach it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The part behind the colon in the addresses of its people.
    pub(crate) fn name(&self) -> String {
        match &self.federation {
            Some(federation) => format!("127.0.0.1:{}", federation.port),
            None => "localhost".to_owned(),
        }
    }

    /// Starts the program on what is there.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        let log = File::options().create(true).append(true).open(self.log_file())?;
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(self.configuration())
            .arg("serve")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("can't start {}", self.program.display()))?;
        self.child = Some(child);

        let health = format!("{}/health", self.url());
        let http = reqwest::Client::new();
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                self.child = None;
                bail!("the server ended at once ({status}):\n{}", self.log());
            }
            let answer = http.get(&health).timeout(Duration::from_secs(5)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the server is not healthy:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop, as systemd does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the server doesn't run")?;
        // Through the shell, because sending a signal is unsafe code otherwise.
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", child.id())])
            .status()?;
        ensure!(asked.success(), "the server can't be asked to stop ({asked})");
        let deadline = Instant::now() + STOPPED_WITHIN;
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(
                    status.success(),
                    "the server stopped badly ({status}):\n{}",
                    self.log()
                );
                return Ok(());
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!(
                    "the server did not stop within {STOPPED_WITHIN:?}:\n{}",
                    self.log()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it for good and removes its database.
    pub(crate) async fn dispose(mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            self.stop().await?;
        }
        if let Some(database) = &self.database {
            database.remove().await?;
        }
        Ok(())
    }

    /// What it has written for the operator.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    /// Where a text lies readable: files of the folder, the log among them, and tables of the database.
    pub(crate) async fn places_containing(&self, text: &str) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if contains(&fs::read(&path)?, text.as_bytes()) {
                    found.push(path.display().to_string());
                }
            }
        }
        if let Some(database) = &self.database {
            found.extend(database.tables_containing(text).await?);
        }
        Ok(found)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("rohrpost.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn configured(&self) -> String {
        let data = self.folder.path().join("data");
        let database = match &self.database {
            Some(database) => database.url.clone(),
            None => format!("sqlite:{}", data.join("rohrpost.db").display()),
        };
        let (encryption, federation) = match &self.federation {
            None => ("required", "[federation]\nmode = \"off\"".to_owned()),
            Some(federation) => ("optional", federation.configured()),
        };
        let port = self.port;
        let listen = match &self.federation {
            None => format!("client = [\"127.0.0.1:{port}\"]"),
            Some(federation) => format!(
                "client = [\"127.0.0.1:{port}\"]\nfederation = [\"127.0.0.1:{}\"]",
                federation.port
            ),
        };
        format!(
            r#"[server]
name = "{name}"
public_url = "{url}"
data_dir = "{data}"

[listen]
{listen}

[database]
url = "{database}"

[registration]
mode = "open"

[policy]
encryption = "{encryption}"

[limits]
enabled = false

{federation}
"#,
            name = self.name(),
            url = self.url(),
            data = data.display(),
        )
    }
}

impl Federation {
    fn configured(&self) -> String {
        format!(
            r#"[federation]
mode = "open"
extra_ca = ["{authority}"]
allow_private_addresses = true
first_retry_ms = 200
max_retry_ms = 2000

[tls]
certificate = "{certificate}"
key = "{key}"
"#,
            authority = self.authority.display(),
            certificate = self.certificate.display(),
            key = self.key.display(),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let ended = child.kill().and_then(|()| child.wait());
        if let Err(error) = ended {
            eprintln!(
                "the server with process id {} is left behind: {error}",
                child.id()
            );
        }
    }
}

/// The program under test.
fn program() -> anyhow::Result<PathBuf> {
    let program = match variable(PROGRAM) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/rohrpost"),
    };
    ensure!(
        program.is_file(),
        "{} is missing: run `cargo xtask test --only sdk`, which builds it, or `cargo build`, or name it in {PROGRAM}",
        program.display()
    );
    Ok(program)
}

/// A port of this computer that nobody uses at the moment, the same after a restart.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
