//! `cargo xtask gen`: writes the files that are made from code. A test beside each source fails when its file is stale.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::workspace;

/// Writes `docs/configuration.md` and `docs/endpoints.md`.
pub(crate) fn run() -> anyhow::Result<()> {
    write("configuration.md", rohrpost_config::reference().as_bytes())?;
    // The route table is in the server, which takes a while to build: it is asked in a program of its own.
    let printed = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--package",
            "rohrpost-http",
            "--example",
            "endpoints",
        ])
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .context("can't start cargo")?;
    ensure!(printed.status.success(), "the route table could not be read");
    write("endpoints.md", &printed.stdout)
}

fn write(name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = workspace::root().join("docs").join(name);
    std::fs::write(&path, content).with_context(|| format!("can't write {}", path.display()))?;
    println!("wrote docs/{name}");
    Ok(())
}
