//! `rohrpost roster change`: a server has other keys, another name for its organisation, or pauses.

use anyhow::bail;
use clap::Args;
use rohrpost_trust::roster::{Classification, Server, SigningKey, Status};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedServerName};

use super::{
    draft::{Draft, Place},
    words,
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The server's name
    server: OwnedServerName,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Who runs it, as people are shown it
    #[arg(long)]
    organisation: Option<String>,
    /// The mail domains, instead of those that stand there; say it several times for several
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Take its mail domains away
    #[arg(long, conflicts_with = "domains")]
    no_domains: bool,
    /// Up to which classification rooms may be shared with it
    #[arg(long, value_parser = words::classification)]
    classification: Option<Classification>,
    /// Whom to reach there
    #[arg(long)]
    contact: Option<String>,
    /// When its membership ends
    #[arg(long, value_name = "DAY", value_parser = words::day)]
    until: Option<MilliSecondsSinceUnixEpoch>,
    /// Its membership has no end
    #[arg(long, conflicts_with = "until")]
    no_end: bool,
    /// A further key with which it signs
    #[arg(long = "add-key", value_name = "ed25519:ID=PUBLICKEY", value_parser = words::signing_key)]
    add_keys: Vec<SigningKey>,
    /// The end of a key: now, or at a day. What it signed before keeps counting
    #[arg(long = "end-key", value_name = "ed25519:ID[=DAY]", value_parser = words::key_end)]
    end_keys: Vec<(String, Option<MilliSecondsSinceUnixEpoch>)>,
    /// Let it take part no longer, but keep its keys for what it signed before
    #[arg(long)]
    suspend: bool,
    /// Let it take part again
    #[arg(long, conflicts_with = "suspend")]
    resume: bool,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut draft = Draft::open(arguments.place)?;
    let now = draft.now;
    let server = draft.server(&arguments.server)?;
    apply(server, arguments.changes, now)?;
    draft.save(&format!("changed {}", arguments.server))
}

fn apply(server: &mut Server, changes: Changes, now: MilliSecondsSinceUnixEpoch) -> anyhow::Result<()> {
    if let Some(organisation) = changes.organisation {
        server.organisation = organisation;
    }
    if !changes.domains.is_empty() || changes.no_domains {
        server.mail_domains = changes.domains;
    }
    if let Some(classification) = changes.classification {
        server.classification = classification;
    }
    if let Some(contact) = changes.contact {
        server.contact = contact;
    }
    if changes.until.is_some() || changes.no_end {
        server.not_after = changes.until;
    }
    if changes.suspend {
        server.status = Status::Suspended;
    }
    if changes.resume {
        server.status = Status::Active;
    }
    server.keys.extend(changes.add_keys);
    for (id, at) in changes.end_keys {
        let Some(key) = server.keys.iter_mut().find(|key| key.id.as_str() == id) else {
            let ids: Vec<&str> = server.keys.iter().map(|key| key.id.as_str()).collect();
            bail!("{} has no key {id}; it has {}", server.name, ids.join(", "));
        };
        key.not_after = Some(at.unwrap_or(now));
    }
    let takes_part = server.status == Status::Active;
    if takes_part && !server.keys.iter().any(|key| key.holds_at(now)) {
        bail!(
            "{} would have no key left to sign with: add one with --add-key, too",
            server.name
        );
    }
    Ok(())
}
