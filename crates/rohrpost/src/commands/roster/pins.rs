//! Whom the configuration trusts, and what was published before.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use rohrpost_config::{Config, Federation, RosterPlace};
use rohrpost_trust::{
    key::PublicKey,
    roster::{Document, Signers, Trusted},
};

use super::files;

/// The signers that the configuration names; `None` where it names none.
///
/// # Errors
/// When one of them is no key.
pub(crate) fn pins(federation: &Federation) -> anyhow::Result<Option<Trusted>> {
    let Some(id) = &federation.roster_id else {
        return Ok(None);
    };
    if federation.roster_signers.is_empty() {
        return Ok(None);
    }
    let key = |text: &String| {
        PublicKey::parse(text).with_context(|| format!("[federation] roster_signers: \"{text}\""))
    };
    let keys = federation
        .roster_signers
        .iter()
        .map(key)
        .collect::<Result<Vec<_>, _>>()?;
    let signers = Signers::pinned(keys, federation.roster_threshold);
    Ok(Some(
        Trusted::pinned(id.clone(), signers).context("[federation]")?,
    ))
}

/// How long a roster is held to after its end, in ms.
pub(crate) fn grace_ms(federation: &Federation) -> u64 {
    federation.roster_grace_hours.saturating_mul(60 * 60 * 1000)
}

/// The file from which this server reads its roster and serves it.
pub(super) fn file(config: &Config) -> anyhow::Result<PathBuf> {
    match config.federation.roster_place() {
        Some(RosterPlace::File(path)) => Ok(path),
        Some(RosterPlace::Url(url)) => {
            bail!("this server fetches its roster from {url}: publish it on the server that has it as a file")
        }
        None => bail!("the configuration names no file for the roster: set roster in [federation]"),
    }
}

/// What is trusted after a roster that was accepted earlier: its signers, its number and its hash. Whether it has ended
/// doesn't matter here; that enough of its own signers signed it does.
pub(super) fn after(document: &Document) -> anyhow::Result<Trusted> {
    let roster = document.roster()?;
    let trusted = Trusted::pinned(roster.roster_id, roster.signers)?;
    let verified = trusted.verify(document, roster.not_before, 0)?;
    Ok(trusted.after(&verified))
}

/// What the configuration trusts, after the roster that is published; `None` where it names no signers.
///
/// A published roster that the signers of the configuration didn't sign doesn't count, with one exception: it may have
/// changed the signers, once they had signed one of its predecessors. That is held in the server's database and not here,
/// so then the signers in the configuration have to be brought up to date.
pub(super) fn trusted(config: &Config) -> anyhow::Result<Option<Trusted>> {
    let Some(pins) = pins(&config.federation)? else {
        return Ok(None);
    };
    let Some(RosterPlace::File(path)) = config.federation.roster_place() else {
        return Ok(Some(pins));
    };
    let Some(published) = files::read_if_there(&path)? else {
        return Ok(Some(pins));
    };
    let begin = published.roster()?.not_before;
    let verified = pins.verify(&published, begin, 0).with_context(|| {
        format!(
            "the roster that is published in {} doesn't hold by the signers in the configuration; if these were changed, \
             bring roster_signers and roster_threshold up to date",
            path.display()
        )
    })?;
    Ok(Some(pins.after(&verified)))
}

#[cfg(test)]
mod tests {
    use rohrpost_config::Config;

    use super::pins;

    fn with(key: &str) -> Config {
        let toml = format!(
            "[server]\nname = \"a.example\"\n[federation]\nroster_id = \"bund.example\"\nroster_threshold = 1\n\
             roster_signers = [\"{key}\"]\n"
        );
        Config::from_parts(&toml, std::iter::empty()).expect("a good configuration")
    }

    #[test]
    fn a_key_under_which_everybody_can_sign_pins_nothing() {
        let weak = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let error = pins(&with(weak).federation).expect_err("refused");
        assert!(
            format!("{error:#}").contains("is no usable Ed25519 key"),
            "{error:#}"
        );
        let good = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert!(pins(&with(good).federation).expect("a good key").is_some());
    }
}
