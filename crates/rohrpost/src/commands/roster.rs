//! `rohrpost roster`: founds, changes, signs, checks and publishes the signed roster of a federation.
//!
//! Works on files and needs neither server nor network, so that signers can keep their keys on a computer of their own.
//! What holds and what doesn't is decided by `rohrpost-trust`. Only `publish` needs the configuration. An operator's
//! guide is docs/federation-roster.md.

mod add;
mod change;
mod draft;
mod files;
mod init;
mod key;
mod key_file;
pub(crate) mod pins;
mod publish;
mod remove;
mod renew;
mod show;
mod sign;
mod signers;
mod verify;
mod words;

use std::{path::Path, process::ExitCode};

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Found a federation: make the first roster, and keys for its signers
    Init(init::Arguments),
    /// Make the key of a signer
    Key(key::Arguments),
    /// Add a server to the roster
    Add(add::Arguments),
    /// Change what the roster says of a server: keys, organisation, state
    Change(change::Arguments),
    /// Take a server out of the roster
    Remove(remove::Arguments),
    /// Give the roster a new end, without any other change
    Renew(renew::Arguments),
    /// Change who signs the roster, and how many it takes
    Signers(signers::Arguments),
    /// Add your signature to the roster
    Sign(sign::Arguments),
    /// Say whether a roster holds, and until when
    Verify(verify::Arguments),
    /// Print what a roster says
    Show(show::Arguments),
    /// Verify a roster and put it where this server reads and serves it
    Publish(publish::Arguments),
}

pub(crate) fn run(command: Command, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(arguments) => init::run(arguments)?,
        Command::Key(arguments) => key::run(arguments)?,
        Command::Add(arguments) => add::run(arguments)?,
        Command::Change(arguments) => change::run(arguments)?,
        Command::Remove(arguments) => remove::run(arguments)?,
        Command::Renew(arguments) => renew::run(arguments)?,
        Command::Signers(arguments) => signers::run(arguments)?,
        Command::Sign(arguments) => sign::run(arguments)?,
        Command::Verify(arguments) => verify::run(arguments, config)?,
        Command::Show(arguments) => show::run(arguments)?,
        Command::Publish(arguments) => publish::run(arguments, config)?,
    }
    Ok(ExitCode::SUCCESS)
}
