//! `DELETE /_matrix/client/v3/room_keys/keys/{roomId}`
//!
//! Removes the keys of a room from the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomid)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Mark, Which},
};
use ruma::api::client::backup::delete_backup_keys_for_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_room_keys(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let which = Which::Room(request.room_id);
    let Mark { etag, count } = backup_keys::delete(&server, caller, &request.version, which).await?;
    Ok(Response::new(etag, count))
}
