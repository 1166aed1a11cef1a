//! `cargo xtask demo`: three authorities on one computer. What they are is in `demo/`.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::steps::{check, command};
use crate::{start, workspace};

/// Builds what is stale, then becomes the demonstration, so that Ctrl-C reaches it directly.
pub(crate) fn run(folder: Option<&Path>) -> anyhow::Result<()> {
    start::build()?;
    check(&mut command(
        "cargo",
        &["build", "--release", "-p", "rohrpost-demo"],
    ))?;
    let program = workspace::built("release", "rohrpost-demo")?;
    let mut demo = Command::new(&program);
    demo.arg("--program")
        .arg(workspace::built("release", "rohrpost")?);
    if let Some(folder) = folder {
        demo.arg("--folder").arg(folder);
    }
    println!();
    let error = demo.exec();
    bail!("can't start {}: {error}", program.display());
}
