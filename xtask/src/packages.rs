//! Programs from the operating system's packages: installed where that is allowed, else asked for.

use std::process::Command;

use anyhow::bail;

use crate::steps;
use crate::workspace::program;

/// Names under which a browser of the Chromium family may be installed.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The browser for the tests.
pub(crate) fn chromium() -> Option<std::path::PathBuf> {
    BROWSERS.iter().find_map(|name| program(name))
}

/// Installs Debian packages.
///
/// # Errors
/// We are not root or this is no Debian: the message says what to install.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let install = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if !is_root() || program("apt-get").is_none() {
        bail!(
            "{} missing; on Debian, as root: {install}",
            packages.join(" and ")
        );
    }
    steps::check(&mut apt(&["update"]))?;
    steps::check(apt(&["install", "-y", "--no-install-recommends"]).args(packages))
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = steps::command("apt-get", arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
