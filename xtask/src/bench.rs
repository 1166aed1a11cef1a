//! `cargo xtask bench`: builds the release server and hands over to the load generator in `bench/`.

use anyhow::bail;

use crate::steps::{check, command};
use crate::{start, workspace};

/// Runs the load generator with the given arguments against the release server.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !workspace::has_crate("rohrpost-bench")? {
        bail!("this checkout has no load generator (crate rohrpost-bench in bench/)");
    }
    start::build()?;
    let mut bench = command("cargo", &["run", "--release", "-p", "rohrpost-bench", "--"]);
    check(
        bench
            .args(arguments)
            .env("ROHRPOST_BIN", workspace::built("release", "rohrpost")?),
    )
}
