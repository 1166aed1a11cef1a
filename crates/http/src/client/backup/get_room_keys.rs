//! `GET /_matrix/client/v3/room_keys/keys/{roomId}`
//!
//! Answers the keys of a room in the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomid)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Which},
};
use ruma::api::client::backup::get_backup_keys_for_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_room_keys(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let which = Which::Room(request.room_id.clone());
    let mut rooms = backup_keys::get(&server, caller, &request.version, which).await?;
    Ok(Response::new(rooms.remove(&request.room_id).unwrap_or_default()))
}
