//! `cargo xtask test`: every test there is. Runs all steps whatever fails, and ends with one summary.
//!
//! The web client comes before anything that compiles, because the server has it inside. Rust is built with one choice
//! of packages wherever possible, so that no dependency is compiled twice for different features.

use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

use crate::counts::Counts;
use crate::postgres::{self, Postgres};
use crate::steps::{Report, Steps, check, command, count};
use crate::{node, packages, python, tidy, workspace};

/// The tests with the Matrix Rust client library: a workspace of its own, so that it burdens no other build.
const SDK_TESTS: &str = "e2e";

/// The tests with matrix-nio.
const NIO_TESTS: &str = "e2e/nio/test_nio.py";

/// What can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Rust formatting.
    Fmt,
    /// What `cargo xtask tidy` checks.
    Tidy,
    /// Lint, types, unit tests and build of the web client.
    Web,
    /// Rust lints.
    Clippy,
    /// Rust tests, on SQLite and PostgreSQL.
    Rust,
    /// The web client in Chromium against the server.
    Browser,
    /// The client library matrix-js-sdk as a plain library, as bots use it, against the server.
    Js,
    /// The Matrix Rust client library against the server.
    Sdk,
    /// A client library in Python, matrix-nio, against the server.
    Nio,
    /// Authorization and state resolution compared with Synapse's, in random rooms.
    Synapse,
}

/// Runs the steps named, or all.
pub(crate) fn run(only: &[Step]) -> anyhow::Result<()> {
    let wanted = |step: Step| only.is_empty() || only.contains(&step);
    let mut steps = Steps::default();

    if wanted(Step::Fmt) {
        steps.run("fmt", || {
            check(&mut cargo(&["fmt", "--all", "--check"]))?;
            checked(&mut sdk_cargo(&["fmt", "--check"]))
        });
    }
    if wanted(Step::Tidy) {
        steps.run("tidy", || tidy::run().map(|()| Report::Checked));
    }
    if wanted(Step::Web) {
        steps.run("web packages", || node::install().map(|()| Report::Checked));
        steps.run("web lint", || checked(&mut node::script("lint")));
        steps.run("web types", || checked(&mut node::script("typecheck")));
        steps.run("web unit", || tested(&mut node::script("test")));
        steps.run("web build", || checked(&mut node::script("build")));
    } else if node::is_stale()
        && [
            Step::Clippy,
            Step::Rust,
            Step::Browser,
            Step::Js,
            Step::Sdk,
            Step::Nio,
        ]
        .into_iter()
        .any(wanted)
    {
        steps.run("web build", || {
            node::install().and_then(|()| checked(&mut node::script("build")))
        });
    }
    if wanted(Step::Clippy) {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        steps.run("clippy", || checked(&mut cargo(&arguments)));
    }

    let needs_postgres = [Step::Rust, Step::Browser, Step::Sdk].into_iter().any(wanted);
    let postgres = if needs_postgres {
        Database::find(&mut steps)
    } else {
        Database::None
    };
    if wanted(Step::Rust) {
        let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
        steps.run("python", || {
            tests.env(python::VARIABLE, python::install()?);
            Ok(Report::Checked)
        });
        steps.run("rust", || tested(&mut postgres.given_to(tests)));
    }
    if wanted(Step::Browser) {
        steps.run("browser", || browser(&postgres));
    }
    if wanted(Step::Js) {
        steps.run("js", js);
    }
    if wanted(Step::Sdk) {
        let arguments = ["clippy", "--all-targets", "--", "-D", "warnings"];
        steps.run("sdk clippy", || checked(&mut sdk_cargo(&arguments)));
        steps.run("sdk", || sdk(&postgres));
    }
    if wanted(Step::Nio) {
        steps.run("nio", || tested(&mut nio()?));
    }
    if wanted(Step::Synapse) {
        steps.run("synapse", synapse);
    }
    drop(postgres);
    steps.finish()
}

/// The PostgreSQL that tests are told of.
enum Database {
    None,
    Given(String),
    Own(Postgres),
}

impl Database {
    /// The one that whoever called has set up, else one of our own.
    fn find(steps: &mut Steps) -> Self {
        if let Some(url) = workspace::variable(postgres::VARIABLE) {
            println!("\nusing the PostgreSQL that {} names", postgres::VARIABLE);
            return Self::Given(url);
        }
        let mut found = Self::None;
        steps.run("postgresql", || {
            found = Self::Own(Postgres::start()?);
            Ok(Report::Checked)
        });
        found
    }

    fn given_to(&self, mut command: Command) -> Command {
        match self {
            Self::None => {}
            Self::Given(url) => {
                command.env(postgres::VARIABLE, url);
            }
            Self::Own(postgres) => {
                command.env(postgres::VARIABLE, &postgres.url);
            }
        }
        command
    }
}

fn browser(postgres: &Database) -> anyhow::Result<Report> {
    if packages::chromium().is_none() {
        packages::install(&["chromium"])?;
    }
    node::install()?;
    let mut run = node::script("e2e");
    run.env("ROHRPOST_BIN", server()?);
    if let Some(chromium) = packages::chromium() {
        run.env("ROHRPOST_CHROMIUM", chromium);
    }
    tested(&mut postgres.given_to(run))
}

fn js() -> anyhow::Result<Report> {
    node::install()?;
    let mut run = node::script("library");
    run.env("ROHRPOST_BIN", server()?);
    tested(&mut run)
}

fn sdk(postgres: &Database) -> anyhow::Result<Report> {
    let mut run = sdk_cargo(&["test", "--no-fail-fast"]);
    run.env("ROHRPOST_BIN", server()?);
    if let Some(python) = synapse_python()? {
        run.env(python::SYNAPSE_VARIABLE, python);
    }
    tested(&mut postgres.given_to(run))
}

fn nio() -> anyhow::Result<Command> {
    let mut run = Command::new(python::install()?);
    run.arg(workspace::root().join(NIO_TESTS))
        .env("ROHRPOST_BIN", server()?);
    Ok(run)
}

/// The Python that has Synapse, wherever there is a Python, or one can be installed.
fn synapse_python() -> anyhow::Result<Option<PathBuf>> {
    match python::install_synapse() {
        Ok(python) => Ok(Some(python)),
        Err(error) if workspace::program("python3").is_none() => {
            println!("SKIPPED: nothing is tested with Synapse, because there is no Python: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn synapse() -> anyhow::Result<Report> {
    let Some(python) = synapse_python()? else {
        return Ok(Report::Checked);
    };
    // All packages, as everywhere, so that no dependency is compiled twice; and with what it says.
    let mut run = cargo(&[
        "test",
        "--workspace",
        "--test",
        "synapse",
        "--",
        "--nocapture",
        "--test-threads=1",
    ]);
    tested(run.env(python::SYNAPSE_VARIABLE, python))
}

/// Builds the server, for tests that run it as a program.
fn server() -> anyhow::Result<PathBuf> {
    // With the tests' own features: then everything is built already.
    check(&mut cargo(&["build", "--workspace", "--bins", "--tests"]))?;
    workspace::built("debug", "rohrpost")
}

/// A cargo command over the tests with the client library. What is configured for their folder holds only inside it.
fn sdk_cargo(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(workspace::root().join(SDK_TESTS));
    command
}

fn cargo(arguments: &[&str]) -> Command {
    command("cargo", arguments)
}

fn checked(command: &mut Command) -> anyhow::Result<Report> {
    check(command).map(|()| Report::Checked)
}

fn tested(command: &mut Command) -> anyhow::Result<Report> {
    let counts: Counts = count(command)?;
    Ok(Report::Tested(counts))
}
