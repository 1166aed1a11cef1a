//! `rohrpost roster publish`: puts a roster that holds where this server reads and serves it.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use rohrpost_config::Config;
use rohrpost_trust::moment::utc;

use super::{files, pins, verify, words};
use crate::{commands::say, system};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The roster
    roster: PathBuf,
}

pub(super) fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(config)?;
    let path = pins::file(&config)?;
    let Some(trusted) = pins::trusted(&config)? else {
        bail!(
            "the configuration doesn't say whose roster this has to be: set roster_id, roster_signers and \
             roster_threshold in [federation]"
        );
    };
    let document = files::read(&arguments.roster)?;
    let verified = trusted
        .verify(&document, system::ports().clock.now(), 0)
        .map_err(|refusal| verify::refused(&refusal, &document))?;
    let title = words::title(verified.roster());
    if !verified.is_new() {
        say(&format!("{title} is published already in {}", path.display()))?;
        return Ok(());
    }
    files::replace_roster(&path, &document)?;
    say(&format!("published {title} in {}", path.display()))?;
    say(&format!(
        "the next one has to be there before {}",
        utc(verified.roster().not_after)
    ))?;
    if !verified.roster().signers.decide_as(trusted.signers()) {
        say(
            "it changes the signers: bring roster_signers and roster_threshold in the configuration up to date now",
        )?;
    }
    Ok(())
}
