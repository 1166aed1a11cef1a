//! `rohrpost roster add`: a server joins the federation.

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
    /// Who runs it, as people are shown it
    #[arg(long)]
    organisation: String,
    /// A key with which it signs; say it several times for several
    #[arg(long = "key", required = true, value_name = "ed25519:ID=PUBLICKEY", value_parser = words::signing_key)]
    keys: Vec<SigningKey>,
    /// A mail domain of the organisation; say it several times for several
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Up to which classification rooms may be shared with it
    #[arg(long, default_value = "unclassified", value_parser = words::classification)]
    classification: Classification,
    /// Whom to reach there
    #[arg(long)]
    contact: String,
    /// When its membership ends, if that is known
    #[arg(long, value_name = "DAY", value_parser = words::day)]
    until: Option<MilliSecondsSinceUnixEpoch>,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut draft = Draft::open(arguments.place)?;
    let name = arguments.server;
    if draft.server(&name).is_ok() {
        bail!("{name} is in the roster already: use `rohrpost roster change`");
    }
    let organisation = arguments.organisation;
    let done = format!("added {name}, {organisation}");
    draft.roster.servers.push(Server {
        name,
        organisation,
        mail_domains: arguments.domains,
        keys: arguments.keys,
        classification: arguments.classification,
        status: Status::Active,
        not_after: arguments.until,
        contact: arguments.contact,
        other: Default::default(),
    });
    draft.save(&done)
}
