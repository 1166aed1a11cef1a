//! The server of one authority: its folder, its configuration, its process.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Office, Ports,
    certificates::authority_file,
    program::Program,
    roster::{ROSTER_ID, THRESHOLD, published},
};

/// How long a server may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// Where a server is.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    host: &'static str,
    /// For people.
    pub(crate) client: SocketAddr,
    /// For other servers.
    federation: SocketAddr,
}

impl Place {
    pub(crate) fn make(folder: &Path, office: &Office, ports: Ports) -> anyhow::Result<Self> {
        let (name, _) = office.host.split_once('.').unwrap_or((office.host, ""));
        let folder = folder.join(name);
        fs::create_dir(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        // Held at the same time, so that no two are the same.
        let [client, federation] = office.ports.map(|port| free(port, ports));
        let (client, federation) = (client?, federation?);
        Ok(Self {
            folder,
            host: office.host,
            client: client.local_addr()?,
            federation: federation.local_addr()?,
        })
    }

    /// The name of the server, which its people's ids end in.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.host, self.federation.port())
    }

    pub(crate) fn public_url(&self) -> String {
        format!("http://{}:{}", self.host, self.client.port())
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("rohrpost.toml")
    }

    /// Writes the configuration: the federation's part is that of a real installation, but for the place of the roster.
    pub(crate) fn configure(&self, shared: &Path, signers: &[String]) -> anyhow::Result<()> {
        let quoted: Vec<String> = signers.iter().map(|key| format!("\"{key}\"")).collect();
        let file = |name: &str| self.folder.join(name).display().to_string();
        let text = format!(
            "\
# Written by `cargo xtask demo`.
[server]
name = \"{}\"
public_url = \"{}\"
data_dir = \"{}\"

[listen]
client = [\"{}\"]
federation = [\"{}\"]

[tls]
certificate = \"{}\"
key = \"{}\"

[registration]
mode = \"closed\"

[federation]
mode = \"roster\"
roster = \"{}\"
roster_id = \"{ROSTER_ID}\"
roster_signers = [{}]
roster_threshold = {THRESHOLD}
roster_refresh_minutes = 1
extra_ca = [\"{}\"]
allow_private_addresses = true
",
            self.name(),
            self.public_url(),
            file("data"),
            self.client,
            self.federation,
            file("certificate.pem"),
            file("key.pem"),
            published(shared).display(),
            quoted.join(", "),
            authority_file(shared).display(),
        );
        let path = self.config();
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
    }
}

fn free(usual: u16, ports: Ports) -> anyhow::Result<TcpListener> {
    let any = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = match ports {
        Ports::Usual => TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).or_else(|_| any()),
        Ports::Free => any(),
    };
    listener.context("there is no free port")
}

/// A running server. Killed with this value, if it wasn't ended before.
pub(crate) struct Server {
    pub(crate) place: Place,
    child: Child,
    has_ended: bool,
}

impl Server {
    pub(crate) fn start(program: &Program, place: Place) -> anyhow::Result<Self> {
        let log = |name: &str| File::create(place.folder.join(name));
        let config = place.config();
        let config = config.to_str().context("the folder's name is no text")?;
        let child = program
            .command(&place.folder, &["serve", "--config", config])
            .stdin(std::process::Stdio::null())
            .stdout(log("server.out")?)
            .stderr(log("server.log")?)
            // Ctrl-C at the terminal is for whoever started it.
            .process_group(0)
            .spawn()
            .context("the server can't be started")?;
        let server = Self {
            place,
            child,
            has_ended: false,
        };
        server.until_logged("the server is running")?;
        Ok(server)
    }

    /// Waits until the server has logged something.
    pub(crate) fn until_logged(&self, text: &str) -> anyhow::Result<()> {
        let path = self.place.folder.join("server.log");
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(&path).unwrap_or_default();
            if log.contains(text) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{} doesn't say \"{text}\":\n{log}", self.place.name());
            }
            sleep(LOOK);
        }
    }

    pub(crate) fn hang_up(&self) -> anyhow::Result<()> {
        self.signal(Signal::HUP)
    }

    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.context("a process without an id")?;
        kill_process(id, signal).with_context(|| format!("{} isn't running", self.place.name()))
    }

    /// Fails if it has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            self.has_ended = true;
            let log = self.place.folder.join("server.log");
            bail!(
                "the server {} has ended by itself ({status}): see {}",
                self.place.name(),
                log.display()
            );
        }
        Ok(())
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.has_ended = true;
                if !status.success() {
                    bail!("the server {} ended with {status}", self.place.name());
                }
                return Ok(());
            }
            if Instant::now() > until {
                bail!("the server {} doesn't end", self.place.name());
            }
            sleep(LOOK);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
