//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}`
//!
//! Writes the keys of a room to the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomid)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Mark, Rooms},
};
use ruma::api::client::backup::add_backup_keys_for_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn put_room_keys(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let rooms = Rooms::from([(request.room_id, request.sessions)]);
    let Mark { etag, count } = backup_keys::put(&server, caller, &request.version, rooms).await?;
    Ok(Response::new(etag, count))
}
