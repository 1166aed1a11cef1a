//! Synapse as its operators run it: a Python program with a folder of its own, on SQLite.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::reqwest;

use crate::server::{Federation, free_port};

/// It loads some hundred Python modules and makes its tables, on a busy computer.
const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// How much of its log a failure shows.
const LOG_LINES: usize = 40;

/// What it says about other servers, and what goes wrong.
const LOG: &str = r#"version: 1
formatters: {short: {format: "%(asctime)s %(name)s %(levelname)s %(message)s"}}
handlers: {console: {class: logging.StreamHandler, formatter: short}}
loggers:
  synapse.federation: {level: INFO}
  synapse.handlers.federation: {level: INFO}
  synapse.handlers.federation_event: {level: INFO}
  synapse.http.matrixfederationclient: {level: INFO}
root: {level: WARNING, handlers: [console]}
disable_existing_loggers: false
"#;

/// A Synapse that trusts the same authority as the server under test.
pub(crate) struct Synapse {
    folder: PathBuf,
    python: PathBuf,
    port: u16,
    federation: Federation,
    child: Option<Child>,
}

impl Synapse {
    /// Writes its configuration and keys, and starts it.
    pub(crate) async fn start(
        python: &Path,
        folder: PathBuf,
        federation: Federation,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut synapse = Self {
            folder,
            python: python.to_owned(),
            port: free_port()?,
            federation,
            child: None,
        };
        fs::write(synapse.configuration(), synapse.configured())?;
        fs::write(synapse.folder.join("log.yaml"), LOG)?;
        let keys = synapse
            .program()
            .arg("--generate-keys")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(keys.success(), "Synapse can't make its keys ({keys})");
        synapse.run().await?;
        Ok(synapse)
    }

    /// Where clients reach it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn name(&self) -> String {
        format!("127.0.0.1:{}", self.federation.port)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("homeserver.yaml")
    }

    fn program(&self) -> Command {
        let mut program = Command::new(&self.python);
        program
            .args(["-m", "synapse.app.homeserver", "--config-path"])
            .arg(self.configuration())
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        program
    }

    /// Starts it on what is there, and waits until it answers.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "Synapse runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("synapse.log"))?;
        let child = self.program().stdout(log.try_clone()?).stderr(log).spawn()?;
        self.child = Some(child);
        let health = format!("{}/health", self.url());
        let http = reqwest::Client::new();
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                self.child = None;
                bail!("Synapse ended at once ({status}):\n{}", self.log());
            }
            let answer = http.get(&health).timeout(Duration::from_secs(5)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "Synapse is not healthy:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("Synapse doesn't run")?;
        // Through the shell, because sending a signal is unsafe code otherwise.
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", child.id())])
            .status()?;
        ensure!(asked.success(), "Synapse can't be asked to stop ({asked})");
        let deadline = Instant::now() + STOPPED_WITHIN;
        while child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("Synapse did not stop within {STOPPED_WITHIN:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The last lines that it wrote.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("synapse.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn configured(&self) -> String {
        let Federation {
            port,
            certificate,
            key,
            authority,
        } = &self.federation;
        let folder = self.folder.display();
        let limits: String = [
            "rc_message",
            "rc_registration",
            "rc_joins_per_room",
            "rc_3pid_validation",
            "rc_room_creation",
        ]
        .map(|limit| format!("{limit}:\n  per_second: 100000\n  burst_count: 100000\n"))
        .concat();
        format!(
            r#"server_name: "127.0.0.1:{port}"
pid_file: "{folder}/synapse.pid"
log_config: "{folder}/log.yaml"
public_baseurl: "http://127.0.0.1:{client}/"
listeners:
  - port: {client}
    tls: false
    type: http
    bind_addresses: ["127.0.0.1"]
    resources: [{{names: [client], compress: false}}]
  - port: {port}
    tls: true
    type: http
    bind_addresses: ["127.0.0.1"]
    resources: [{{names: [federation], compress: false}}]
tls_certificate_path: "{certificate}"
tls_private_key_path: "{key}"
federation_custom_ca_list: ["{authority}"]
ip_range_blacklist: []
federation:
  client_timeout: 20s
  max_short_retry_delay: 1s
  max_short_retries: 1
  destination_min_retry_interval: 1s
  destination_retry_multiplier: 2
  destination_max_retry_interval: 2s
trusted_key_servers: []
suppress_key_server_warning: true
report_stats: false
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
media_store_path: "{folder}/media"
signing_key_path: "{folder}/signing.key"
macaroon_secret_key: "of one test"
form_secret: "of one test"
enable_registration: true
enable_registration_without_verification: true
allow_public_rooms_over_federation: true
room_list_publication_rules: [{{action: allow}}]
presence: {{enabled: true}}
{limits}rc_login:
  address: {{per_second: 100000, burst_count: 100000}}
  account: {{per_second: 100000, burst_count: 100000}}
rc_joins:
  local: {{per_second: 100000, burst_count: 100000}}
  remote: {{per_second: 100000, burst_count: 100000}}
rc_invites:
  per_room: {{per_second: 100000, burst_count: 100000}}
  per_user: {{per_second: 100000, burst_count: 100000}}
rc_federation:
  window_size: 1000
  sleep_limit: 100000
  sleep_delay: 1
  reject_limit: 100000
  concurrent: 100
"#,
            client = self.port,
            certificate = certificate.display(),
            key = key.display(),
            authority = authority.display(),
        )
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        if let Err(error) = child.kill().and_then(|()| child.wait()) {
            eprintln!("Synapse with process id {} is left behind: {error}", child.id());
        }
    }
}
