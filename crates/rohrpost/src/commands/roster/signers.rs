//! `rohrpost roster signers`: others sign from now on, or another number of them.

use clap::Args;
use rohrpost_trust::roster::{Signer, Signers};

use super::{
    draft::{Draft, Place},
    words,
};
use crate::commands::say;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// A signer, the remaining ones as well; say it for each of them
    #[arg(long = "signer", required = true, value_name = "NAME=PUBLICKEY", value_parser = words::signer)]
    signers: Vec<Signer>,
    /// How many of them have to sign
    #[arg(long, value_name = "NUMBER")]
    threshold: u32,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut draft = Draft::open(arguments.place)?;
    let before = draft.roster.signers.threshold;
    draft.roster.signers = Signers {
        threshold: arguments.threshold,
        keys: arguments.signers,
    };
    draft.save("changed the signers")?;
    say(&format!(
        "a change of signers needs {before} of the signers so far as well. Operators who don't get this roster before the \
         one after it have to name the new signers in their configuration"
    ))?;
    Ok(())
}
