//! The tests with matrix-nio, a client library in Python: an environment of its own below `target`, made once.

use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use crate::steps::{check, command};
use crate::workspace;

const FOLDER: &str = "e2e/nio";

/// Whether there is a Python to run them with. Where every step must run, there has to be.
///
/// # Errors
/// There is none, and `CI=true`.
pub(crate) fn is_possible() -> anyhow::Result<bool> {
    let is_there = workspace::program("python3").is_some();
    if !is_there && workspace::variable("CI").as_deref() == Some("true") {
        bail!("python3 is not installed, and where CI=true no step is skipped");
    }
    Ok(is_there)
}

/// The tests against a server, ready to run. Installs what they need.
pub(crate) fn tests(server: PathBuf) -> anyhow::Result<Command> {
    let folder = workspace::root().join(FOLDER);
    let environment = workspace::root().join("target/nio");
    let python = environment.join("bin/python");
    if !python.is_file() {
        let mut make = command("python3", &["-m", "venv"]);
        make.arg(&environment);
        check(&mut make)?;
    }
    let mut install = Command::new(&python);
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(folder.join("requirements.txt"));
    check(&mut install)?;
    let mut run = Command::new(&python);
    run.arg(folder.join("test_nio.py")).env("ROHRPOST_BIN", server);
    Ok(run)
}
