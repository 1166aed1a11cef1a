//! `cargo xtask start`: from a fresh clone to a running messenger.

use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::steps::{check, clock, command};
use crate::{node, workspace};

/// The first port that is tried for the web client and the client API.
const FIRST_PORT: u16 = 8008;

/// How many ports are tried from there.
const PORTS: u16 = 100;

/// Builds what is stale, then becomes the server, so that Ctrl-C and signals reach it directly.
pub(crate) fn run() -> anyhow::Result<()> {
    build()?;
    let config = Path::new("data/rohrpost.toml");
    let full = workspace::root().join(config);
    if !full.exists() {
        write_config(&full)?;
        println!("wrote {}", config.display());
    }
    println!("starting the server; Ctrl-C stops it\n");
    let server = workspace::built("release", "rohrpost")?;
    let error = Command::new(&server)
        .arg("serve")
        .arg("--config")
        .arg(config)
        .current_dir(workspace::root())
        .exec();
    bail!("can't start {}: {error}", server.display());
}

/// Builds web client and release server.
pub(crate) fn build() -> anyhow::Result<()> {
    step("1/3 web packages", node::install)?;
    step("2/3 web client", || {
        if node::is_stale() {
            return check(&mut node::script("build"));
        }
        println!("is up to date");
        Ok(())
    })?;
    step("3/3 server (the first time this takes some minutes)", || {
        check(&mut command("cargo", &["build", "--release", "-p", "rohrpost"]))
    })
}

fn step(name: &str, step: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    println!("\n=== {name}");
    let started = Instant::now();
    step()?;
    println!("=== done, {}", clock(started.elapsed()));
    Ok(())
}

fn write_config(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        // Keys and messages will be in here: closed to others from the first moment.
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.with_context(|| format!("can't make the folder {}", folder.display()))?;
    }
    std::fs::write(path, config(free_port()?)).with_context(|| format!("can't write {}", path.display()))
}

fn free_port() -> anyhow::Result<u16> {
    let ports = FIRST_PORT..FIRST_PORT + PORTS;
    let free = ports
        .clone()
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.with_context(|| format!("all ports from {} to {} are in use", ports.start, ports.end - 1))
}

fn config(port: u16) -> String {
    format!(
        "\
# Written by `cargo xtask start` for trying things out on this computer. docs/configuration.md explains every key.
[server]
name = \"localhost\"
public_url = \"http://127.0.0.1:{port}\"
data_dir = \"data\"

[listen]
client = [\"127.0.0.1:{port}\"]

[registration]
mode = \"invite\"

[federation]
mode = \"off\"
"
    )
}

#[cfg(test)]
mod tests {
    use super::config;

    #[test]
    fn the_written_configuration_is_one_the_server_reads() {
        let read =
            rohrpost_config::Config::from_parts(&config(8010), std::iter::empty()).expect("a good file");
        assert_eq!(read.public_url(), "http://127.0.0.1:8010");
    }
}
