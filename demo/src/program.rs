//! The server's program and its commands.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

/// The program.
pub(crate) struct Program(PathBuf);

impl Program {
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let path = path
            .canonicalize()
            .with_context(|| format!("there is no program {}", path.display()))?;
        Ok(Self(path))
    }

    /// A command, run in a folder so that it meets no other configuration.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(arguments).current_dir(folder);
        command
    }

    /// Runs a command to its end; answers what it says.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let mut child = self
            .command(folder, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the program can't be started")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have ended by now.
            drop(stdin.write_all(input.as_bytes()));
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "rohrpost {} failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
