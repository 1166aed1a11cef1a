//! What people write on the command line, as the roster's types; and how the roster's parts are said.

use anyhow::{Context as _, bail};
use rohrpost_trust::{
    key::PublicKey,
    moment,
    roster::{Classification, Roster, Signer, SigningKey},
};
use ruma::MilliSecondsSinceUnixEpoch;

/// `NAME=KEY`.
pub(super) fn signer(text: &str) -> Result<Signer, String> {
    let (name, key) = text
        .rsplit_once('=')
        .ok_or("write NAME=PUBLICKEY, as `rohrpost roster key` says it")?;
    let key = PublicKey::parse(key).map_err(|error| format!("the key {error}"))?;
    let name = name.to_owned();
    Ok(Signer { name, key })
}

/// `ed25519:ID=KEY`.
pub(super) fn signing_key(text: &str) -> Result<SigningKey, String> {
    let (id, key) = text.rsplit_once('=').ok_or(
        "write ed25519:ID=PUBLICKEY, as the server tells it under verify_keys at /_matrix/key/v2/server",
    )?;
    let key = PublicKey::parse(key).map_err(|error| format!("the key {error}"))?;
    let id = id
        .try_into()
        .map_err(|_| format!("\"{id}\" is no key id such as ed25519:a1"))?;
    Ok(SigningKey {
        id,
        key,
        not_before: None,
        not_after: None,
    })
}

/// `2027-12-31`: the beginning of that day in UTC.
pub(super) fn day(text: &str) -> Result<MilliSecondsSinceUnixEpoch, String> {
    moment::day(text).ok_or("write a day as 2027-12-31; its beginning in UTC is meant".to_owned())
}

/// `ed25519:ID` for now, or `ed25519:ID=2027-12-31`.
pub(super) fn key_end(text: &str) -> Result<(String, Option<MilliSecondsSinceUnixEpoch>), String> {
    match text.split_once('=') {
        Some((id, at)) => Ok((id.to_owned(), Some(day(at)?))),
        None => Ok((text.to_owned(), None)),
    }
}

/// A classification by its word.
pub(super) fn classification(text: &str) -> Result<Classification, String> {
    let words = Classification::ALL.map(Classification::as_str);
    let found = Classification::ALL.into_iter().find(|it| it.as_str() == text);
    found.ok_or_else(|| format!("must be one of {}", words.join(", ")))
}

/// How long a roster counts, from days.
pub(super) fn days_ms(days: u64) -> anyhow::Result<u64> {
    if !(1..=400).contains(&days) {
        bail!("a roster counts for 1 to 400 days; 30 are usual");
    }
    days.checked_mul(24 * 60 * 60 * 1000).context("too many days")
}

/// The roster in a few words.
pub(super) fn title(roster: &Roster) -> String {
    let members = match roster.servers.len() {
        1 => "1 server".to_owned(),
        count => format!("{count} servers"),
    };
    format!("roster number {} of {}, {members}", roster.seq, roster.roster_id)
}
