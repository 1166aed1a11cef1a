//! `rohrpost roster key`: the key of a signer, made by the signer.

use std::path::PathBuf;

use clap::Args;

use super::key_file::{self, Passphrase};
use crate::commands::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The file for the key
    file: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let public = key_file::make(&arguments.file, &arguments.passphrase)?;
    say(&format!("made {}", arguments.file.display()))?;
    say(&format!("public key: {public}"))?;
    say(
        "tell the public key to whoever keeps the roster; nobody but you may have the file. Keep a copy of it elsewhere",
    )?;
    Ok(())
}
