//! `cargo xtask bench`: builds the release server and hands over to the load generator in `bench/`.

use anyhow::bail;

use crate::steps::{check, command};
use crate::{python, start, workspace};

/// Runs the load generator with the given arguments against the release server.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !workspace::has_crate("rohrpost-bench")? {
        bail!("this checkout has no load generator (crate rohrpost-bench in bench/)");
    }
    start::build()?;
    let mut bench = command("cargo", &["run", "--release", "-p", "rohrpost-bench", "--"]);
    bench
        .args(arguments)
        .env("ROHRPOST_BIN", workspace::built("release", "rohrpost")?);
    // Its joins are compared with those of Synapse, wherever there is a Python, or one can be installed.
    if arguments.first().is_some_and(|what| what == "federation") {
        match python::install_synapse() {
            Ok(python) => drop(bench.env(python::SYNAPSE_VARIABLE, python)),
            Err(error) => println!("SKIPPED: nothing is compared with Synapse: {error:#}"),
        }
    }
    check(&mut bench)
}
