//! A server in a process of its own, so that it can be killed.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use tokio::sync::watch;

/// The process and where it listens. Killed when this value goes.
pub(crate) struct ServerProcess {
    folder: PathBuf,
    database: String,
    early: Option<Duration>,
    running: Running,
    address: watch::Sender<SocketAddr>,
}

struct Running {
    child: Child,
    /// Kept open, because who writes to a closed one is ended.
    _output: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(folder: &Path, database: &str) -> Self {
        let (running, address) = start(folder.to_owned(), database.to_owned(), None).await;
        Self {
            folder: folder.to_owned(),
            database: database.to_owned(),
            early: None,
            running,
            address: watch::Sender::new(address),
        }
    }

    /// Where it listens; another address after each start.
    pub(crate) fn address(&self) -> watch::Receiver<SocketAddr> {
        self.address.subscribe()
    }

    /// From the next start on it acknowledges each unit of work, waits for so long, and only then commits.
    pub(crate) fn acknowledge_early(&mut self, early: Option<Duration>) {
        self.early = early;
    }

    /// Ends it with SIGKILL, so that nothing is tidied up, and starts it again.
    pub(crate) async fn kill_and_start(&mut self) {
        self.running.kill();
        let (running, address) = start(self.folder.clone(), self.database.clone(), self.early).await;
        self.running = running;
        self.address.send_replace(address);
    }
}

impl Running {
    fn kill(&mut self) {
        self.child.kill().expect("our own process can be killed");
        self.child.wait().expect("our own process can be waited for");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
        }
    }
}

async fn start(folder: PathBuf, database: String, early: Option<Duration>) -> (Running, SocketAddr) {
    let started = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crash-server"));
        command
            .arg("--database")
            .arg(database)
            .arg("--data-dir")
            .arg(folder);
        if let Some(pause) = early {
            command.arg("--early-ack").arg(pause.as_millis().to_string());
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        output
            .read_line(&mut line)
            .expect("the server says where it listens");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("an address");
        let address = address.parse().expect("an address");
        (
            Running {
                child,
                _output: output,
            },
            address,
        )
    });
    started.await.expect("starting does not panic")
}
