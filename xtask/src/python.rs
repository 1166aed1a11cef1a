//! Python, for the tests that need real programs from there: a mail server, a Matrix client. In an environment of its
//! own below `target`, with the versions that `python-requirements.txt` pins.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::workspace::{program, root};
use crate::{packages, steps};

/// Tells tests which Python has what they need.
pub(crate) const VARIABLE: &str = "ROHRPOST_TEST_PYTHON";

const REQUIREMENTS: &str = "xtask/python-requirements.txt";

/// The Python of the tests, made when it is missing or out of date.
///
/// # Errors
/// There is no Python and none can be installed, or a package can't be had.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let folder = root().join("target/python");
    let (python, done) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = std::fs::read(root().join(REQUIREMENTS)).context(REQUIREMENTS)?;
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
        REQUIREMENTS,
    ];
    steps::check(&mut steps::command(&python.to_string_lossy(), &pip))?;
    std::fs::write(done, wanted).context("target/python")?;
    Ok(python)
}
