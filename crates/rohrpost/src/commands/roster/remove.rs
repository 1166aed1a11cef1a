//! `rohrpost roster remove`: a server leaves the federation.

use clap::Args;
use ruma::OwnedServerName;

use super::draft::{Draft, Place};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The server's name
    server: OwnedServerName,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut draft = Draft::open(arguments.place)?;
    let name = draft.server(&arguments.server)?.name.clone();
    draft.roster.servers.retain(|server| server.name != name);
    draft.save(&format!(
        "removed {name}; its keys are forgotten, too. To keep them for what it signed before, use \
         `rohrpost roster change --suspend`"
    ))
}
