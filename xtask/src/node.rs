//! The web client: its packages and its build.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, bail};

use crate::steps;
use crate::workspace::root;

const OLDEST_NODE: u32 = 20;

/// Folders in `web/` that are results and no input of a build, or tests.
const NOT_BUILT_FROM: [&str; 3] = ["node_modules", "dist", "e2e"];

/// A script of `web/package.json`.
pub(crate) fn script(name: &str) -> Command {
    npm(&["run", name])
}

/// Fetches the packages that `package-lock.json` names, unless they are there already.
///
/// # Errors
/// Node.js is missing or too old, or a package can't be had.
pub(crate) fn install() -> anyhow::Result<()> {
    check_node()?;
    let web = root().join("web");
    let wanted = modified(&web.join("package-lock.json")).context("web/package-lock.json is missing")?;
    // npm writes this file last.
    let present = modified(&web.join("node_modules/.package-lock.json"));
    if present.is_some_and(|present| present >= wanted) {
        println!("web packages are there");
        return Ok(());
    }
    steps::check(&mut npm(&["ci", "--no-audit", "--no-fund"]))
}

/// Whether `web/dist` is missing or older than anything it is built from.
pub(crate) fn is_stale() -> bool {
    let web = root().join("web");
    let Some(built) = modified(&web.join("dist/index.html")) else {
        return true;
    };
    newest(&web, &NOT_BUILT_FROM).is_none_or(|changed| changed > built)
}

fn npm(arguments: &[&str]) -> Command {
    let mut command = steps::command("npm", arguments);
    command.current_dir(root().join("web"));
    command
}

fn check_node() -> anyhow::Result<()> {
    let needed =
        format!("Node.js {OLDEST_NODE} or newer with npm is needed, from nodejs.org or your distribution");
    let Ok(output) = Command::new("node").arg("--version").output() else {
        bail!("{needed}")
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version
        .strip_prefix('v')
        .and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("{needed} (found {version})");
    }
    if crate::workspace::program("npm").is_none() {
        bail!("{needed} (npm is missing)");
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// The last change of anything below a folder. Folders count too: theirs is when a file came or went.
fn newest(folder: &Path, skipped: &[&str]) -> Option<SystemTime> {
    let mut newest = None;
    for entry in folder.read_dir().ok()?.flatten() {
        if skipped.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let path = entry.path();
        newest = newest.max(modified(&path));
        if path.is_dir() {
            newest = newest.max(self::newest(&path, &[]));
        }
    }
    newest
}
