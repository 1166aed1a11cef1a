//! The accounts of this server, for its operator.

use std::sync::Arc;

use rohrpost_store::UserState;
use ruma::OwnedUserId;

use crate::{Result, Server};

/// Accounts that are read at once.
const PAGE: u32 = 500;

/// An account, as its operator sees it.
#[derive(Clone, Debug)]
pub struct ListedUser {
    /// The user.
    pub user_id: OwnedUserId,
    /// May administer this server.
    pub administrator: bool,
    /// Whether it was closed.
    pub is_deactivated: bool,
    /// When it was made, ms since the epoch.
    pub created_ts: i64,
}

/// Up to 500 accounts in the order of their names, those after `after`; begin with an empty string.
///
/// # Errors
/// Only when the store fails.
pub async fn list(server: &Arc<Server>, after: &str) -> Result<Vec<ListedUser>> {
    let after = after.to_owned();
    let rows = server
        .store
        .read(move |tx| Box::pin(async move { tx.user_list(&after, PAGE).await }))
        .await?;
    let listed = rows.into_iter().map(|row| ListedUser {
        user_id: row.user_id,
        administrator: row.administrator,
        is_deactivated: row.state == UserState::Deactivated,
        created_ts: row.created_ts,
    });
    Ok(listed.collect())
}

/// Whether there is no account yet: the moment to make the first administrator.
///
/// # Errors
/// Only when the store fails.
pub async fn is_empty(server: &Arc<Server>) -> Result<bool> {
    Ok(server
        .store
        .read(|tx| Box::pin(async move { tx.user_count().await }))
        .await?
        == 0)
}
