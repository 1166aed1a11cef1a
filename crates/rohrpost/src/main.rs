//! The server's program: reads the configuration, builds the server from it, runs it and looks after it.
//!
//! The only place that names concrete types, owns tasks and talks to the operating system. Start reading at
//! [`wire_up`], then `commands/serve.rs`.

mod commands;
mod system;
mod telemetry;
mod wire_up;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use rohrpost_config::Config;

/// How long the runtime may take to end once everything has been said and done.
const END: Duration = Duration::from_millis(200);

/// A secure messenger for public authorities.
#[derive(Parser)]
#[command(name = "rohrpost", version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration file; without it rohrpost.toml in this folder, if it is there
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Bring the database up to date without starting the server
    Migrate,
    /// Say what is wrong with the set-up
    Doctor,
    /// Look after accounts
    #[command(subcommand)]
    User(commands::user::Command),
    /// Look after the signed roster of a federation
    #[command(subcommand)]
    Roster(Box<commands::roster::Command>),
    /// Check the configuration, or print an example
    #[command(subcommand)]
    Config(commands::config::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let arguments = match arguments.command {
        Command::Config(command) => return commands::config::run(command, arguments.config.as_deref()),
        Command::Roster(command) => return commands::roster::run(*command, arguments.config.as_deref()),
        command => Arguments { command, ..arguments },
    };
    let config = Config::load(arguments.config.as_deref());
    if let Command::Doctor = arguments.command {
        return block_on(commands::doctor::run(config));
    }
    let config = config?;
    telemetry::log(&config.log)?;
    // Keys and messages: nobody else on this computer may read what is made from here on.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    match arguments.command {
        Command::Serve => block_on(commands::serve::run(&config)),
        Command::Migrate => block_on(commands::migrate::run(&config)),
        Command::User(command) => block_on(commands::user::run(command, &config)),
        Command::Doctor | Command::Config(_) | Command::Roster(_) => unreachable!("answered above"),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("rohrpost")
        .build()?;
    let ended = runtime.block_on(command);
    runtime.shutdown_timeout(END);
    ended
}
