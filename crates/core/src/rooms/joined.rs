//! Lists the rooms that the caller is joined to.

use std::sync::Arc;

use ruma::{OwnedRoomId, events::room::member::MembershipState};

use crate::{Caller, Refusal, Result, Server};

/// The rooms that the caller is joined to.
///
/// # Errors
/// Only when the store fails.
pub async fn list(server: &Arc<Server>, caller: Caller) -> Result<Vec<OwnedRoomId>> {
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut rooms = Vec::new();
                for member in tx
                    .membership_list_of(&caller.user_id, &MembershipState::Join)
                    .await?
                {
                    rooms.extend(tx.room_get_by_nid(member.room).await?.map(|room| room.room_id));
                }
                Ok::<_, Refusal>(rooms)
            })
        })
        .await
}
