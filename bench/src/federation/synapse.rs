//! A Synapse to compare with, with what its operators would set for an evaluation.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use http::Method;

use super::Certificates;
use crate::{http_client::Connection, server::free_address};

/// Names the Python that has Synapse.
pub(super) const VARIABLE: &str = "ROHRPOST_TEST_SYNAPSE";
/// It loads some hundred modules and makes its tables.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running Synapse. Ended by its process id when this value goes.
pub(super) struct Synapse {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Synapse {
    /// Starts it, if there is a Python that has it.
    pub(super) async fn start(folder: &Path, certificates: &Certificates) -> anyhow::Result<Option<Self>> {
        let Some(python) = std::env::var_os(VARIABLE).filter(|python| !python.is_empty()) else {
            return Ok(None);
        };
        let folder = folder.join("synapse");
        std::fs::create_dir_all(&folder)?;
        let (address, federation) = (free_address()?, free_address()?);
        let (certificate, key) = certificates.issue(&folder)?;
        let paths = [certificate, key, certificates.authority().to_owned()];
        let configuration = folder.join("homeserver.yaml");
        std::fs::write(&configuration, configured(&folder, address, federation, &paths))?;
        let log = File::create(folder.join("synapse.log"))?;
        let program = || -> anyhow::Result<Command> {
            let mut program = Command::new(&python);
            program
                .args(["-m", "synapse.app.homeserver", "--config-path"])
                .arg(&configuration)
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log.try_clone()?);
            Ok(program)
        };
        let keys = program()?.arg("--generate-keys").status()?;
        ensure!(keys.success(), "Synapse can't make its keys ({keys})");
        let child = program()?.spawn().context("can't start Synapse")?;
        let mut synapse = Self { child, address };
        let begun = Instant::now();
        while !synapse.is_healthy().await {
            let ended = synapse.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(folder.join("synapse.log")).unwrap_or_default();
                bail!("Synapse did not start ({ended:?}), it said:\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Some(synapse))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn is_healthy(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return false;
        };
        let answer = connection.ask(Method::GET, "/health", String::new()).await;
        answer.is_ok_and(|(status, _)| status == 200)
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("Synapse with process id {} was left behind: {error}", self.pid());
        }
    }
}

fn configured(
    folder: &Path,
    client: SocketAddr,
    federation: SocketAddr,
    [certificate, key, authority]: &[PathBuf; 3],
) -> String {
    let folder = folder.display();
    format!(
        r#"server_name: "{federation}"
pid_file: "{folder}/synapse.pid"
public_baseurl: "http://{client}/"
listeners:
  - {{port: {client_port}, tls: false, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client], compress: false}}]}}
  - {{port: {port}, tls: true, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [federation], compress: false}}]}}
tls_certificate_path: "{certificate}"
tls_private_key_path: "{key}"
federation_custom_ca_list: ["{authority}"]
ip_range_blacklist: []
trusted_key_servers: []
suppress_key_server_warning: true
report_stats: false
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
media_store_path: "{folder}/media"
signing_key_path: "{folder}/signing.key"
macaroon_secret_key: "of one run"
form_secret: "of one run"
enable_registration: true
enable_registration_without_verification: true
rc_registration: {{per_second: 100000, burst_count: 100000}}
"#,
        client_port = client.port(),
        port = federation.port(),
        certificate = certificate.display(),
        key = key.display(),
        authority = authority.display(),
    )
}
