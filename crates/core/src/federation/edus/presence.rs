//! `m.presence`: of those who are in a room with somebody here, and where the operator wants presence at all.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#presence>

use std::sync::Arc;

use ruma::{OwnedUserId, ServerName, UserId, api::federation::transactions::edu::PresenceContent};

use super::is_of;
use crate::{Refusal, Result, Server, personal::presence};

/// People in one piece of news.
const MAX_UPDATES: usize = 500;

pub(super) async fn receive(
    server: &Arc<Server>,
    origin: &ServerName,
    content: PresenceContent,
) -> Result<()> {
    if !server.settings.presence {
        return Ok(());
    }
    let mut updates = content.push;
    updates.retain(|update| is_of(&update.user_id, origin));
    updates.truncate(MAX_UPDATES);
    let users: Vec<OwnedUserId> = updates.iter().map(|update| update.user_id.clone()).collect();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let users: Vec<&UserId> = users.iter().map(|user_id| &**user_id).collect();
            Ok::<_, Refusal>(tx.membership_local_sharing_each(&users).await?)
        })
    });
    let sharing = reading.await?;
    let known = updates
        .into_iter()
        .zip(sharing)
        .filter(|(_, sharing)| !sharing.is_empty());
    presence::note_remote(server, known.map(|(update, _)| update).collect()).await
}
