//! What a user planned, and what became of it.

use std::sync::Arc;

use rohrpost_store::DelayedEvent;

use crate::{Caller, Refusal, Result, Server, delayed_events::KEEP};

/// The planned events of the caller, in the order of the times for which they are planned.
///
/// # Errors
/// Those of the store.
pub async fn list(server: &Arc<Server>, caller: &Caller) -> Result<Vec<DelayedEvent>> {
    let user_id = caller.user_id.clone();
    let count = server.settings.quotas.delayed_events.saturating_add(KEEP);
    server
        .store
        .read(move |tx| Box::pin(async move { Ok(tx.delayed_event_list(&user_id, count).await?) }))
        .await
}

/// One planned event of the caller.
///
/// # Errors
/// `NotFound` when there is none, or it is somebody else's.
pub async fn get(server: &Arc<Server>, caller: &Caller, delay_id: String) -> Result<DelayedEvent> {
    let user_id = caller.user_id.clone();
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let found = tx.delayed_event_get(&delay_id).await?;
                let own = found.filter(|event| event.user_id == user_id);
                own.ok_or_else(|| Refusal::not_found("this planned event was"))
            })
        })
        .await
}
