//! Leaves a room that nobody here is in, or refuses an invitation to one.

use std::{sync::Arc, time::Duration};

use rohrpost_room::handshake::AskedMembership;
use rohrpost_store::{NewMembership, Tx, Work};
use ruma::{
    OwnedUserId, api::federation::membership::create_leave_event, events::room::member::MembershipState,
};

use super::{
    Wanted,
    handed_over::{NotMade, make, raw},
    outside::Outside,
};
use crate::{Refusal, Result, Server};

/// How long other servers are asked for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Leaves a room. Where no other server takes that, it is left here all the same.
///
/// # Errors
/// Only those of the store.
pub(super) async fn leave(server: &Arc<Server>, wanted: Wanted) -> Result<()> {
    if let Ok(left) = tokio::time::timeout(PATIENCE, leave_through(server, &wanted)).await
        && left?
    {
        return Ok(());
    }
    let unit = Alone {
        user_id: wanted.user_id,
        room_id: wanted.room_id,
    };
    server.store.write(unit).await
}

/// Leaves a room by way of one of the servers that are in it. `false`: none takes it.
async fn leave_through(server: &Arc<Server>, wanted: &Wanted) -> Result<bool> {
    for resident in &wanted.candidates {
        let made = match make(server, resident, wanted, AskedMembership::Leave).await {
            Ok(made) => made,
            Err(NotMade::Ask(error)) => {
                tracing::debug!(%resident, %error, "a room can't be left through this server");
                continue;
            }
            Err(NotMade::Refusal(error)) => {
                tracing::debug!(%resident, %error, "a room can't be left through this server");
                continue;
            }
        };
        let event_id = made.event.event_id().to_owned();
        let request =
            create_leave_event::v2::Request::new(wanted.room_id.clone(), event_id, raw(&made.event)?);
        if let Err(error) = server.ask(resident, request).await {
            tracing::debug!(%resident, %error, "a room can't be left through this server");
            continue;
        }
        let unit = Outside {
            server: Arc::clone(server),
            user_id: wanted.user_id.clone(),
            version: made.version,
            event: made.event,
            told: None,
            is_ours: true,
        };
        server.store.write(unit).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Leaves a room without an event that says so: nobody takes one.
struct Alone {
    user_id: OwnedUserId,
    room_id: ruma::OwnedRoomId,
}

impl Work for Alone {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(room) = tx.room_lock(&self.room_id).await? else {
            return Ok(());
        };
        let Some(member) = tx.membership_get(&self.user_id, room.nid).await? else {
            return Ok(());
        };
        let left = NewMembership {
            user_id: &self.user_id,
            membership: &MembershipState::Leave,
            event: member.event,
            sender: &self.user_id,
            pos: tx.pos_next().await?,
            is_direct: false,
            is_local: true,
        };
        tx.membership_put(room.nid, &left).await?;
        tx.stripped_state_delete(&self.user_id, room.nid).await?;
        tx.wake_user(&self.user_id);
        Ok(())
    }
}
