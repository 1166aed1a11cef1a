//! `rohrpost config`: checks the configuration without starting anything, or prints a commented example.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use rohrpost_config::Config;

use crate::{
    commands::{roster, say},
    wire_up,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say whether the configuration can be used
    Check,
    /// Print a configuration with every key, its meaning and its default
    Example,
}

pub(crate) fn run(command: Command, path: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check => {
            let config = Config::load(path)?;
            roster::pins::pins(&config.federation)?;
            wire_up::federation::roster_source(&config)?;
            say(&format!(
                "the configuration of {} can be used",
                config.server.name
            ))?;
        }
        Command::Example => say(Config::example().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}
