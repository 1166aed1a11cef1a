//! Forgets a room that was left: it isn't shown in syncs any more and its history can't be read.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::OwnedRoomId;

use crate::{Caller, Refusal, Result, Server};

struct Unit {
    server: Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
}

/// Forgets a room.
///
/// # Errors
/// `Unknown` when the caller is still in the room, `Forbidden` when they never were.
pub async fn forget(server: &Arc<Server>, caller: Caller, room_id: OwnedRoomId) -> Result<()> {
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            caller,
            room_id,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let head = self.server.heads.lock(tx, &self.room_id).await?;
        if tx.membership_forget(&self.caller.user_id, head.room.nid).await? {
            return Ok(());
        }
        match tx.membership_get(&self.caller.user_id, head.room.nid).await? {
            Some(_) => Err(Refusal::Unknown("leave the room before you forget it".to_owned())),
            None => Err(Refusal::not_in_room()),
        }
    }
}
