//! Answers whose keys changed between two syncs, for devices that were away.

use std::{collections::BTreeSet, sync::Arc};

use rohrpost_store::Tx;
use ruma::OwnedUserId;

use crate::{Caller, Refusal, Result, Server, sync::token::SyncToken};

/// Between which syncs.
pub struct KeyChanges {
    /// Who asks.
    pub caller: Caller,
    /// `next_batch` of the earlier sync.
    pub from: String,
    /// `next_batch` of the later sync.
    pub to: String,
}

/// Whose keys are to be asked for again.
pub struct Changes {
    /// Users whose devices or identity changed, or who came to share a room.
    pub changed: BTreeSet<OwnedUserId>,
    /// Users who don't share a room any more.
    pub left: BTreeSet<OwnedUserId>,
}

/// Answers whose keys changed.
///
/// # Errors
/// `InvalidParam` for what isn't a token of a sync.
pub async fn key_changes(server: &Arc<Server>, question: KeyChanges) -> Result<Changes> {
    let KeyChanges { caller, from, to } = question;
    let (from, to) = (token(&from, "from")?, token(&to, "to")?);
    let user_id = caller.user_id;
    server
        .store
        .read(move |tx| Box::pin(async move { read(tx, &user_id, from, to).await }))
        .await
}

fn token(text: &str, name: &str) -> Result<SyncToken> {
    text.parse()
        .map_err(|_| Refusal::InvalidParam(format!("{name} is not the next_batch of a sync")))
}

async fn read(
    tx: &mut Tx<'_>,
    user_id: &ruma::UserId,
    SyncToken(from): SyncToken,
    SyncToken(to): SyncToken,
) -> Result<Changes> {
    let mut changed: BTreeSet<OwnedUserId> = tx
        .device_list_changed(user_id, from, to)
        .await?
        .into_iter()
        .collect();
    changed.extend(tx.device_list_joined(user_id, from, to).await?);
    let left = tx.device_list_left(user_id, from, to).await?;
    let left = left.into_iter().filter(|user| !changed.contains(user)).collect();
    Ok(Changes { changed, left })
}
