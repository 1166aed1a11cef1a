//! `rohrpost roster sign`: one signer signs.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use rohrpost_trust::moment::utc;

use super::{
    files,
    key_file::{self, Passphrase},
    words,
};
use crate::commands::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The roster. The signature is added to this file
    roster: PathBuf,
    /// The file with your key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Sign although the roster doesn't name you as signer: for the last roster that you sign
    #[arg(long)]
    leaving: bool,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut document = files::read(&arguments.roster)?;
    let roster = document.roster()?;
    let key = key_file::read(&arguments.key, &arguments.passphrase)?;
    let name = match roster.signers.get(&key.public()) {
        Some(signer) => signer.name.clone(),
        None if arguments.leaving => key.public().to_string(),
        None => bail!(
            "this key ({}) is none of the signers of the roster. If you are a signer until now and this roster changes \
             that, say --leaving",
            key.public()
        ),
    };
    document.sign(&key);
    files::replace_roster(&arguments.roster, &document)?;
    let signers = &roster.signers;
    let held = document.signatures().iter().filter(|(key, signature)| {
        signers.get(key).is_some() && key.verifies(document.signed_bytes(), signature)
    });
    let (found, wanted) = (held.count(), signers.threshold);
    say(&format!("{name} has signed {}", words::title(&roster)))?;
    say(&format!(
        "it counts from {} until {}",
        utc(roster.not_before),
        utc(roster.not_after)
    ))?;
    let is_enough = u32::try_from(found).is_ok_and(|found| found >= wanted);
    let next = if is_enough {
        "next: `rohrpost roster verify`, then `rohrpost roster publish`"
    } else {
        "next: give it to another signer"
    };
    say(&format!(
        "{found} of the {wanted} signatures that it needs are there"
    ))?;
    say(next)?;
    Ok(())
}
