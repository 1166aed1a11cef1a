//! Whether somebody takes invitations.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#invite-permission>

use rohrpost_store::{GLOBAL, Tx};
use ruma::UserId;
use serde::Deserialize;

use crate::{Refusal, Result};

/// The type of account data, and the name it had before it was part of the specification.
pub(crate) const KINDS: [&str; 2] = [
    "m.invite_permission_config",
    "org.matrix.msc4380.invite_permission_config",
];

/// Whether a user takes no invitations.
pub(crate) async fn is_blocking(tx: &mut Tx<'_>, user_id: &UserId) -> Result<bool> {
    #[derive(Deserialize)]
    struct Content {
        default_action: String,
    }
    for kind in KINDS {
        let data = tx.account_data_get(user_id, GLOBAL, kind).await?;
        // "A missing, invalid or unsupported value means that the user wants to receive invites as normal."
        let content = data.and_then(|data| serde_json::from_str::<Content>(&data.content).ok());
        if content.is_some_and(|content| content.default_action == "block") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks that a user takes invitations.
///
/// # Errors
/// `InviteBlocked`.
pub(crate) async fn check(tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
    match is_blocking(tx, user_id).await? {
        true => Err(Refusal::InviteBlocked),
        false => Ok(()),
    }
}
