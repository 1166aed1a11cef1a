//! Load generator: what a running server costs, and how fast it answers.
//!
//! It runs outside the server process and talks to it as clients do, so that what it costs itself isn't counted as
//! the server's. `cargo xtask bench quick` builds the release server and runs it. It compares only joins with
//! another server and changes nothing in the server: what is measured is what an operator would run.
//!
//! Start reading at [`quick`]; [`sync`] is about accounts in many rooms, [`federation`] about two servers.

mod append;
mod federation;
mod http_client;
mod messages;
mod people;
mod proc;
mod quick;
mod report;
mod server;
mod sync;
mod timing;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Names the server's program.
const VARIABLE: &str = "ROHRPOST_BIN";

/// Measures a Rohrpost server.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The figures that a change should not make worse, in less than a minute.
    Quick {
        /// Measure on this empty PostgreSQL database, which is not emptied afterwards, instead of on SQLite.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
    /// Events between two of our servers, and joins of rooms with up to 10,000 members, by this server and by Synapse
    /// where `ROHRPOST_TEST_SYNAPSE` names a Python that has it; some minutes.
    Federation,
    /// Both shapes of sync in accounts with up to 2,000 rooms, and 2,000 clients who wait; some minutes.
    Sync {
        /// Measure on this empty PostgreSQL database, which is not emptied afterwards, instead of on SQLite.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
}

fn main() -> anyhow::Result<()> {
    let Arguments { what } = Arguments::parse();
    let program = std::env::var_os(VARIABLE).map(PathBuf::from);
    let program = program.with_context(|| format!("{VARIABLE} must name the server's program"))?;
    match what {
        What::Quick { postgres } => quick::run(&program, postgres.as_deref()),
        What::Federation => federation::run(&program),
        What::Sync { postgres } => sync::run(&program, postgres.as_deref()),
    }
}
