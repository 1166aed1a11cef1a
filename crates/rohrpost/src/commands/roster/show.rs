//! `rohrpost roster show`: what a roster says, for people or for programs. Verifies nothing.

use std::path::PathBuf;

use clap::Args;
use rohrpost_trust::{
    moment::utc,
    roster::{Document, Roster, Server, SigningKey},
};
use ruma::MilliSecondsSinceUnixEpoch;

use super::{files, words};
use crate::{commands::say, system};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The roster
    roster: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let document = files::read(&arguments.roster)?;
    let roster = document.roster()?;
    if arguments.json {
        let signatures = document.signatures();
        let all = serde_json::json!({ "roster": roster, "signatures": signatures, "hash": document.hash() });
        say(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    print_head(&document, &roster)?;
    for server in &roster.servers {
        print_server(server, system::ports().clock.now())?;
    }
    say("\nthis is what it says; whether it holds says `rohrpost roster verify`")?;
    Ok(())
}

fn print_head(document: &Document, roster: &Roster) -> anyhow::Result<()> {
    say(&words::title(roster))?;
    say(&format!("  from    {}", utc(roster.not_before)))?;
    say(&format!("  until   {}", utc(roster.not_after)))?;
    say(&format!("  hash    {}", document.hash()))?;
    if let Some(hash) = roster.prev_hash {
        say(&format!("  follows {hash}"))?;
    }
    let encryption = if roster.policy.encryption_required {
        "encrypted"
    } else {
        "encrypted or not"
    };
    say(&format!(
        "  rooms   version {} or later, {encryption}",
        roster.policy.min_room_version
    ))?;
    let signers = &roster.signers;
    say(&format!(
        "signers, of whom {} of {} have to sign",
        signers.threshold,
        signers.keys.len()
    ))?;
    for signer in &signers.keys {
        let mark = match document.signatures().get(&signer.key) {
            Some(signature) if signer.key.verifies(document.signed_bytes(), signature) => "signed",
            Some(_) => "WRONG",
            None => "-",
        };
        say(&format!("  {mark:<6}  {}  {}", signer.key, signer.name))?;
    }
    Ok(())
}

fn print_server(server: &Server, now: MilliSecondsSinceUnixEpoch) -> anyhow::Result<()> {
    say(&format!("\n{}  {}", server.name, server.organisation))?;
    let end = server
        .not_after
        .map(|end| format!(", until {}", utc(end)))
        .unwrap_or_default();
    say(&format!(
        "  {}, up to {}{end}",
        server.status, server.classification
    ))?;
    say(&format!("  contact {}", server.contact))?;
    if !server.mail_domains.is_empty() {
        say(&format!("  mail    {}", server.mail_domains.join(", ")))?;
    }
    for key in &server.keys {
        say(&format!(
            "  key     {} {}{}",
            key.id,
            key.key,
            key_times(key, now)
        ))?;
    }
    Ok(())
}

fn key_times(key: &SigningKey, now: MilliSecondsSinceUnixEpoch) -> String {
    let from = key
        .not_before
        .filter(|start| now < *start)
        .map(|start| format!(", from {}", utc(start)));
    let until = key.not_after.map(|end| {
        let word = if end <= now { "ended" } else { "until" };
        format!(", {word} {}", utc(end))
    });
    from.unwrap_or_default() + &until.unwrap_or_default()
}
