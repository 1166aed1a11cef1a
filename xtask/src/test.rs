//! `cargo xtask test`: every test there is. Runs all steps whatever fails, and ends with one summary.
//!
//! The web client comes before anything that compiles, because the server has it inside. Rust is built with one choice
//! of packages wherever possible, so that no dependency is compiled twice for different features.

use std::process::Command;

use clap::ValueEnum;

use crate::counts::Counts;
use crate::postgres::{self, Postgres};
use crate::steps::{Report, Steps, check, command, count};
use crate::{node, packages, tidy, workspace};

/// The tests with the Matrix Rust client library: heavy to compile, so built only when named.
const SDK_TESTS: &str = "rohrpost-e2e";

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
    /// The Matrix Rust client library against the server.
    Sdk,
}

/// Runs the steps named, or all.
pub(crate) fn run(only: &[Step]) -> anyhow::Result<()> {
    let wanted = |step: Step| only.is_empty() || only.contains(&step);
    let mut steps = Steps::default();

    if wanted(Step::Fmt) {
        steps.run("fmt", || checked(&mut cargo(&["fmt", "--all", "--check"])));
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
        && [Step::Clippy, Step::Rust, Step::Browser, Step::Sdk]
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
        steps.run("rust", || {
            tested(&mut postgres.given_to(workspace_cargo("test", &[])))
        });
    }
    if wanted(Step::Browser) {
        steps.run("browser", || browser(&postgres));
    }
    if wanted(Step::Sdk) {
        steps.run("sdk", || sdk(&postgres));
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
    // With the tests' own features: then everything is built already.
    check(&mut workspace_cargo("build", &["--bins", "--tests"]))?;
    let mut run = node::script("e2e");
    run.env("ROHRPOST_BIN", workspace::built("debug", "rohrpost")?);
    if let Some(chromium) = packages::chromium() {
        run.env("ROHRPOST_CHROMIUM", chromium);
    }
    tested(&mut postgres.given_to(run))
}

fn sdk(postgres: &Database) -> anyhow::Result<Report> {
    if !workspace::has_crate(SDK_TESTS)? {
        return Ok(Report::Skipped(format!("this checkout has no crate {SDK_TESTS}")));
    }
    tested(&mut postgres.given_to(cargo(&["test", "--package", SDK_TESTS, "--no-fail-fast"])))
}

/// A cargo command over all crates but the heavy one.
fn workspace_cargo(verb: &str, arguments: &[&str]) -> Command {
    let mut command = cargo(&[verb, "--workspace", "--exclude", SDK_TESTS]);
    if verb == "test" {
        command.arg("--no-fail-fast");
    }
    command.args(arguments);
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
