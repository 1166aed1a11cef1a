//! The first administrator: a link that is shown once, on standard output and not in the log.

use std::{sync::Arc, time::Duration};

use rohrpost_core::{
    Server,
    accounts::{
        invitations,
        invite::{NewInvitation, invite},
        list,
    },
    settings::Registration,
};

use crate::commands::say;

/// How long the link is valid.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const BY_COMMAND: &str = "\"rohrpost user add NAME --admin\" makes an administrator, too";

/// Shows the link if there is no account yet and no such link.
///
/// # Errors
/// When the store fails.
pub(super) async fn greet(server: &Arc<Server>) -> anyhow::Result<()> {
    if !list::is_empty(server).await? {
        return Ok(());
    }
    if server.settings.registration == Registration::Closed {
        // No invitations are taken in this mode.
        say(
            "\nThere is no account yet. \"rohrpost user add NAME --admin\" makes the first administrator.\n",
        )?;
        return Ok(());
    }
    if invitations::list(server)
        .await?
        .iter()
        .any(|invitation| invitation.administrator)
    {
        say(&format!(
            "\nThere is no account yet. The link that was shown at the first start still works; {BY_COMMAND}.\n"
        ))?;
        return Ok(());
    }
    let new = NewInvitation {
        uses: 1,
        lifetime: LIFETIME,
        administrator: true,
        created_by: None,
    };
    let invitation = invite(server, new).await?;
    say(&format!(
        "\nThere is no account yet. This link makes the first administrator, once, within 7 days:\n\n  {}\n",
        invitation.link
    ))?;
    Ok(())
}
