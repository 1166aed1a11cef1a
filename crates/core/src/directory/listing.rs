//! Whether a room is listed in the directory.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedRoomId, api::client::room::Visibility};

use crate::{
    Caller, Refusal, Result, Server,
    directory::{is_joined, may_administer},
};

struct Unit {
    server: Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    is_public: bool,
}

/// Lists or unlists a room.
///
/// # Errors
/// `Forbidden` unless the caller has the power to set the room's canonical alias or is an administrator;
/// `InvalidParam` for a visibility that isn't known.
///
/// # Spec
/// [Room directory](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid)
pub async fn set(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    visibility: Visibility,
) -> Result<()> {
    let is_public = is_public(&visibility)?;
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            caller,
            room_id,
            is_public,
        })
        .await
}

/// Whether a room is to be listed.
pub(super) fn is_public(visibility: &Visibility) -> Result<bool> {
    match visibility {
        Visibility::Public => Ok(true),
        Visibility::Private => Ok(false),
        _ => Err(Refusal::InvalidParam(
            "visibility must be public or private".to_owned(),
        )),
    }
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let mut head = self.server.heads.read(tx, &self.room_id).await?;
        if !may_administer(tx, &mut head, &self.caller).await? {
            if !is_joined(tx, &head, &self.caller).await? {
                return Err(Refusal::not_in_room());
            }
            return Err(Refusal::Forbidden(
                "you don't have the power to list this room or take it off the list".to_owned(),
            ));
        }
        if head.room.is_public != self.is_public {
            tx.room_set_public(head.room.nid, self.is_public).await?;
        }
        Ok(())
    }
}

/// Whether a room is listed. Only those who are in a room learn that there is one that isn't listed.
///
/// # Errors
/// `NotFound`.
pub async fn get(server: &Arc<Server>, caller: Option<Caller>, room_id: OwnedRoomId) -> Result<Visibility> {
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let not_found = || Refusal::not_found("room");
            let room = tx.room_get(&room_id).await?.ok_or_else(not_found)?;
            if room.is_public {
                return Ok(Visibility::Public);
            }
            let caller = caller.ok_or_else(not_found)?;
            let member = tx.membership_get(&caller.user_id, room.nid).await?;
            member.map(|_| Visibility::Private).ok_or_else(not_found)
        })
    });
    reading.await
}
