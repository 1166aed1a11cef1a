//! Python, for the tests that need real programs from there: a mail server, a Matrix client, Synapse. In environments of
//! their own below `target`, with the versions that the files of requirements pin.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::workspace::{program, root};
use crate::{packages, steps};

/// Tells tests which Python has what they need.
pub(crate) const VARIABLE: &str = "ROHRPOST_TEST_PYTHON";

/// Tells the comparison with Synapse which Python has it.
pub(crate) const SYNAPSE_VARIABLE: &str = "ROHRPOST_TEST_SYNAPSE";

/// The Python of the tests, made when it is missing or out of date.
///
/// # Errors
/// There is no Python and none can be installed, or a package can't be had.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    environment("target/python", "xtask/python-requirements.txt")
}

/// The Python that has Synapse. Apart from the other one, because it brings some dozens of packages along.
///
/// # Errors
/// As [`install`].
pub(crate) fn install_synapse() -> anyhow::Result<PathBuf> {
    environment("target/python-synapse", "xtask/synapse-requirements.txt")
}

fn environment(folder: &str, requirements: &'static str) -> anyhow::Result<PathBuf> {
    let folder = root().join(folder);
    let (python, done) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = std::fs::read(root().join(requirements)).context(requirements)?;
    if std::fs::read(&done).is_ok_and(|present| present == wanted) && python.exists() {
        println!("python packages are there");
        return Ok(python);
    }
    if program("python3").is_none() {
        packages::install(&["python3", "python3-venv"])?;
    }
    let place = folder.to_string_lossy();
    let make = || steps::check(&mut steps::command("python3", &["-m", "venv", "--clear", &place]));
    if make().is_err() {
        // Debian's own Python comes without it.
        packages::install(&["python3-venv"])?;
        make()?;
    }
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        requirements,
    ];
    steps::check(&mut steps::command(&python.to_string_lossy(), &pip))?;
    std::fs::write(done, wanted).context("the environment for Python")?;
    Ok(python)
}
