//! A PostgreSQL for the tests, as an ordinary user on a free port of this computer, gone when the tests are over.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use crate::packages::{self, is_root};
use crate::workspace::program;

/// The variable by which tests learn where PostgreSQL is.
pub(crate) const VARIABLE: &str = "ROHRPOST_TEST_POSTGRES";

const SCRIPT: &str = include_str!("postgres.sh");

/// A running server. Dropping it closes the script's input, and that ends the server; so does our own death.
pub(crate) struct Postgres {
    script: Child,
    pub(crate) url: String,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Errors
    /// The programs are missing and can't be installed, or the server does not start.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let programs = match programs() {
            Some(programs) => programs,
            None => {
                packages::install(&["postgresql"])?;
                programs().context("initdb is still missing after installing postgresql")?
            }
        };
        let port = free_port()?;
        let mut script = shell()
            .args(["-c", SCRIPT, "postgres.sh"])
            .arg(&programs)
            .arg(port.to_string())
            // Ctrl-C at the terminal goes to a whole group of processes; the script ends after us and in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start PostgreSQL")?;
        let mut ready = String::new();
        if let Some(output) = script.stdout.take() {
            BufReader::new(output)
                .read_line(&mut ready)
                .context("PostgreSQL's script can't be read")?;
        }
        if ready.trim() != "ready" {
            let status = script.wait().context("PostgreSQL's script is lost")?;
            bail!("PostgreSQL from {} did not start ({status})", programs.display());
        }
        println!("PostgreSQL from {} answers on port {port}", programs.display());
        Ok(Self {
            script,
            url: format!("postgres://rohrpost@127.0.0.1:{port}/postgres"),
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        if let Err(error) = self.script.wait() {
            eprintln!("can't wait for PostgreSQL to end: {error}");
        }
    }
}

/// A port of this computer that nobody uses at the moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}

/// A shell as an ordinary user: PostgreSQL refuses to run as root.
fn shell() -> Command {
    if !is_root() {
        return Command::new("sh");
    }
    let user = if user_exists("postgres") {
        "postgres"
    } else {
        "nobody"
    };
    let mut command = Command::new("setpriv");
    command.args([
        &format!("--reuid={user}"),
        &format!("--regid={}", group(user)),
        "--clear-groups",
        "--",
        "sh",
    ]);
    // Root's folder for temporary files may be closed to others.
    command.env_remove("TMPDIR");
    command
}

fn user_exists(user: &str) -> bool {
    Command::new("id")
        .arg(user)
        .output()
        .is_ok_and(|output| output.status.success())
}

fn group(user: &str) -> String {
    let output = Command::new("id").args(["-g", user]).output();
    let group = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    group.unwrap_or_else(|_| user.to_owned())
}

/// The folder with `initdb` and `postgres`: Debian's newest version, else what PATH has.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    let newest = versions.pop().map(|(_, folder)| folder);
    newest.or_else(|| {
        program("initdb")?
            .canonicalize()
            .ok()?
            .parent()
            .map(Path::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::{Postgres, programs};

    #[test]
    fn answers_until_it_is_dropped() {
        if programs().is_none() {
            // The test command installs PostgreSQL before it runs this; without it there is nothing to try.
            return;
        }
        let postgres = Postgres::start().expect("PostgreSQL starts");
        let address = postgres
            .url
            .split(['@', '/'])
            .nth(3)
            .expect("an address")
            .to_owned();
        TcpStream::connect(&address).expect("it answers");
        drop(postgres);
        TcpStream::connect(&address).expect_err("it is gone");
    }
}
