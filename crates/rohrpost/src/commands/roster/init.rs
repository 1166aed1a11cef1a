//! `rohrpost roster init`: founds a federation.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use rohrpost_trust::{
    key::PublicKey,
    moment::later,
    roster::{Document, FORMAT, Policy, Roster, Signer, Signers},
};
use ruma::UInt;

use super::{
    files,
    key_file::{self, Passphrase},
    words,
};
use crate::{commands::say, system};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder for the roster and the keys
    folder: PathBuf,
    /// The name of the federation, for good: small letters, digits, . and -
    #[arg(long, value_name = "NAME")]
    id: String,
    /// A signer: with the public key that they made with `rohrpost roster key`, or without, and a key is made here. Say it
    /// for each of them
    #[arg(long = "signer", required = true, value_name = "NAME[=PUBLICKEY]")]
    signers: Vec<String>,
    /// How many of them have to sign
    #[arg(long, value_name = "NUMBER")]
    threshold: u32,
    /// For how many days the roster counts from now on
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// The oldest version of rooms that members share
    #[arg(long, default_value_t = 12, value_name = "VERSION")]
    min_room_version: u32,
    /// Let members share rooms that aren't encrypted
    #[arg(long)]
    allow_unencrypted: bool,
    #[command(flatten)]
    passphrase: Passphrase,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments {
        folder, passphrase, ..
    } = &arguments;
    let now = system::ports().clock.now();
    let path = folder.join("roster-1.json");
    let signers = arguments
        .signers
        .iter()
        .map(|text| given(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut roster = Roster {
        format: FORMAT.to_owned(),
        critical: Vec::new(),
        roster_id: arguments.id.clone(),
        seq: UInt::from(1_u32),
        prev_hash: None,
        not_before: now,
        not_after: later(now, words::days_ms(arguments.days)?),
        signers: Signers {
            threshold: arguments.threshold,
            keys: placeholders(&signers),
        },
        policy: Policy {
            min_room_version: arguments.min_room_version.into(),
            encryption_required: !arguments.allow_unencrypted,
            other: Default::default(),
        },
        servers: Vec::new(),
        other: Default::default(),
    };
    // Before any key is made.
    roster.check()?;
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    anyhow::ensure!(
        !path.exists(),
        "{} is there already: a federation was founded here",
        path.display()
    );
    let mut keys = Vec::new();
    for (name, key) in signers {
        let key = match key {
            Some(key) => key,
            None => {
                let file = folder.join(file_name(&name));
                let key = key_file::make(&file, passphrase)?;
                say(&format!("made {} for {name}", file.display()))?;
                key
            }
        };
        keys.push(Signer { name, key });
    }
    roster.signers.keys = keys;
    files::create_roster(&path, &Document::draft(&roster)?)?;
    say(&format!("made {}: {}", path.display(), words::title(&roster)))?;
    say(&format!(
        "{} of these signers have to sign it:",
        roster.signers.threshold
    ))?;
    for Signer { name, key } in &roster.signers.keys {
        say(&format!("  {key}  {name}"))?;
    }
    say(
        "next: add servers with `rohrpost roster add`; bring each key that was made here to its signer, and keep no copy",
    )?;
    Ok(())
}

fn given(text: &str) -> anyhow::Result<(String, Option<PublicKey>)> {
    if text.contains('=') {
        let Signer { name, key } = words::signer(text).map_err(anyhow::Error::msg)?;
        return Ok((name, Some(key)));
    }
    Ok((text.to_owned(), None))
}

/// Keys to check everything else with: those that are there, and for each that will be made, one that nothing is done with.
fn placeholders(signers: &[(String, Option<PublicKey>)]) -> Vec<Signer> {
    let mut seed = [0; 32];
    let signer = |(name, key): &(String, Option<PublicKey>)| {
        seed[0] += 1;
        let stand_in = || rohrpost_trust::key::SecretKey::from_seed(&seed).public();
        Signer {
            name: name.clone(),
            key: key.unwrap_or_else(stand_in),
        }
    };
    signers.iter().take(100).map(signer).collect()
}

/// The name of the key's file: what isn't a letter or digit of a file's name becomes `-`.
fn file_name(signer: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() { letter } else { '-' };
    format!(
        "{}.key.pem",
        signer.to_lowercase().chars().map(letter).collect::<String>()
    )
}
