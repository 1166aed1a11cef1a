//! The server that is measured: its process, its settings, its end.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use http::Method;

use crate::http_client::Connection;

/// How long the server may take until it answers, and until it has stopped.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Ended by its process id when this value goes.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the program with what it keeps in `folder`, and waits until it answers.
    pub(crate) async fn start(program: &Path, folder: &Path, database: &str) -> anyhow::Result<Self> {
        Self::start_with(program, folder, database, &[]).await
    }

    /// The same with other settings besides, named as environment variables are, without what all begin with.
    pub(crate) async fn start_with(
        program: &Path,
        folder: &Path,
        database: &str,
        others: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = folder.join("server.log");
        let output = File::create(&log)?;
        let settings = [
            ("SERVER__NAME", "bench.example".to_owned()),
            ("SERVER__DATA_DIR", folder.display().to_string()),
            ("LISTEN__CLIENT", address.to_string()),
            ("DATABASE__URL", database.to_owned()),
            ("REGISTRATION__MODE", "open".to_owned()),
            ("POLICY__ENCRYPTION", "required".to_owned()),
            ("LIMITS__ENABLED", "false".to_owned()),
            ("LOG__LEVEL", "warn".to_owned()),
        ];
        let child = Command::new(program)
            .arg("serve")
            .envs(
                settings
                    .iter()
                    .chain(others)
                    .map(|(key, value)| (format!("ROHRPOST__{key}"), value)),
            )
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("can't start {}", program.display()))?;
        let mut server = Self { child, address };
        let begun = Instant::now();
        while !server.is_healthy().await {
            let ended = server.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server did not start ({ended:?}), it said:\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    async fn is_healthy(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return false;
        };
        let answer = connection.ask(Method::GET, "/health", String::new()).await;
        answer.is_ok_and(|(status, _)| status == 200)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop in order, and waits for that.
    pub(crate) fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let asked = Command::new("kill").arg(self.pid().to_string()).status();
        asked.context("can't ask the server to stop")?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the server did not stop within {PATIENCE:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when it was stopped in order.
        if let Ok(None) = self.child.try_wait() {
            let ended = self.child.kill().and_then(|()| self.child.wait());
            if let Err(error) = ended {
                eprintln!(
                    "the server with process id {} was left behind: {error}",
                    self.pid()
                );
            }
        }
    }
}

/// An address that nobody listens on at the moment.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
