//! `cargo xtask`: the commands of a developer's day. Each lives in a file of its own name; `steps.rs`, `node.rs`,
//! `postgres.rs` and `packages.rs` are what they share. Nothing here is part of the server.

mod bench;
mod counts;
mod demo;
mod generate;
mod node;
mod packages;
mod postgres;
mod python;
mod start;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build web client and server and run them on SQLite in ./data.
    Start,
    /// Build web client and server and run three authorities that write to each other on this computer.
    Demo {
        /// A new folder that is kept; without it, everything is gone at the end.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Run every test there is, on both database engines and in a browser.
    Test {
        /// Run this step alone; may be given several times.
        #[arg(long, value_enum, value_name = "STEP")]
        only: Vec<test::Step>,
    },
    /// Check what no compiler checks: the crates' edges, file sizes, banned words and versions.
    Tidy,
    /// Write the files that are made from code: docs/configuration.md and docs/endpoints.md.
    Gen,
    /// Measure the release server.
    Bench {
        /// What the load generator is to do, for example `quick`.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Start => start::run(),
        Command::Demo { folder } => demo::run(folder.as_deref()),
        Command::Test { only } => test::run(&only),
        Command::Tidy => tidy::run(),
        Command::Gen => generate::run(),
        Command::Bench { arguments } => bench::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
