//! `rohrpost roster verify`: says what holds, until when, and by whose word.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use rohrpost_config::{Config, DEFAULT_FILE};
use rohrpost_trust::{
    key::PublicKey,
    moment::utc,
    roster::{DEFAULT_GRACE_MS, Document, Refusal, Signers, Trusted, Verified},
};
use ruma::MilliSecondsSinceUnixEpoch;

use super::{files, pins, words};
use crate::{commands::say, system};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The roster
    roster: PathBuf,
    /// A roster before it that you trust: its signers count
    #[arg(long, value_name = "ROSTER", conflicts_with_all = ["signers", "threshold"])]
    after: Option<PathBuf>,
    /// The public key of a signer that you trust; say it for each of them
    #[arg(long = "signer", value_name = "PUBLICKEY", requires = "threshold")]
    signers: Vec<String>,
    /// How many of them have to have signed
    #[arg(long, value_name = "NUMBER", requires = "signers")]
    threshold: Option<u32>,
}

/// By whose word a roster is verified.
struct Ground {
    /// `None`: by nobody's but its own.
    trusted: Option<Trusted>,
    grace_ms: u64,
    words: String,
}

pub(super) fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    let document = files::read(&arguments.roster)?;
    let now = system::ports().clock.now();
    let ground = ground(&arguments, &document, config)?;
    let trusted = match &ground.trusted {
        Some(trusted) => trusted.clone(),
        None => itself(&document)?,
    };
    let verified = trusted
        .verify(&document, now, ground.grace_ms)
        .map_err(|refusal| refused(&refusal, &document))?;
    print(&verified, &document, now, ground.grace_ms)?;
    say(&ground.words)?;
    Ok(())
}

fn ground(arguments: &Arguments, document: &Document, config: Option<&Path>) -> anyhow::Result<Ground> {
    if let Some(path) = &arguments.after {
        return Ok(Ground {
            trusted: Some(pins::after(&files::read(path)?)?),
            grace_ms: DEFAULT_GRACE_MS,
            words: format!(
                "checked by the signers of {}, which has to be the right one",
                path.display()
            ),
        });
    }
    if let Some(threshold) = arguments.threshold {
        let keys = arguments.signers.iter().map(|text| PublicKey::parse(text));
        let signers = Signers::pinned(keys.collect::<Result<Vec<_>, _>>()?, threshold);
        return Ok(Ground {
            trusted: Some(Trusted::pinned(document.roster_id().to_owned(), signers)?),
            grace_ms: DEFAULT_GRACE_MS,
            words: "checked by the signers that you named".to_owned(),
        });
    }
    if config.is_some() || Path::new(DEFAULT_FILE).exists() {
        let config = Config::load(config)?;
        if let Some(trusted) = pins::trusted(&config)? {
            return Ok(Ground {
                trusted: Some(trusted),
                grace_ms: pins::grace_ms(&config.federation),
                words: "checked by the signers in the configuration".to_owned(),
            });
        }
    }
    Ok(Ground {
        trusted: None,
        grace_ms: DEFAULT_GRACE_MS,
        words: "this says only that the roster agrees with itself: compare the keys of the signers with what they told \
                you, or name them with --signer and --threshold, or an earlier roster with --after"
            .to_owned(),
    })
}

/// Nothing is known but what the document says of itself.
fn itself(document: &Document) -> anyhow::Result<Trusted> {
    let roster = document.roster()?;
    Ok(Trusted::pinned(roster.roster_id, roster.signers)?)
}

/// A refusal with what to do.
pub(super) fn refused(refusal: &Refusal, document: &Document) -> anyhow::Error {
    let next = match refusal {
        Refusal::Unsigned { .. } | Refusal::TooFewSignatures { .. } | Refusal::TooFewNewSigners { .. } => {
            "\ngive it to further signers: `rohrpost roster sign`"
        }
        Refusal::WrongSigner { .. } => {
            "\nif the signers were changed, the roster that changed them has to come first"
        }
        Refusal::Expired { .. } => "\n`rohrpost roster renew` begins a new one",
        _ => "",
    };
    let roster_id = document.roster_id();
    anyhow::anyhow!("this roster of {roster_id:?} does not hold: {refusal}{next}")
}

fn print(
    verified: &Verified,
    document: &Document,
    now: MilliSecondsSinceUnixEpoch,
    grace_ms: u64,
) -> anyhow::Result<()> {
    let roster = verified.roster();
    let signers = &roster.signers;
    let names: Vec<String> = document
        .signatures()
        .iter()
        .filter(|(key, signature)| key.verifies(document.signed_bytes(), signature))
        .map(|(key, _)| {
            signers
                .get(key)
                .map_or_else(|| key.to_string(), |signer| signer.name.clone())
        })
        .collect();
    if names.is_empty() {
        bail!("nobody has signed it");
    }
    say(&format!("it holds: {}", words::title(roster)))?;
    say(&format!(
        "signed by {}; {} of {} signers have to",
        names.join(", "),
        signers.threshold,
        signers.keys.len()
    ))?;
    let end = utc(roster.not_after);
    let closes = utc(verified.closes_at(grace_ms));
    if now < roster.not_after {
        say(&format!(
            "it counts from {} until {end}; without a new one, servers go on by it until {closes} and then speak with no \
             other server",
            utc(roster.not_before)
        ))?;
    } else {
        say(&format!(
            "IT HAS ENDED at {end}: without a new one, servers speak with no other server from {closes} on"
        ))?;
    }
    Ok(())
}
