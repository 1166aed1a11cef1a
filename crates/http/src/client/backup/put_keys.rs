//! `PUT /_matrix/client/v3/room_keys/keys`
//!
//! Writes keys to the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Mark},
};
use ruma::api::client::backup::add_backup_keys::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn put_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let rooms = request
        .rooms
        .into_iter()
        .map(|(room_id, keys)| (room_id, keys.sessions))
        .collect();
    let Mark { etag, count } = backup_keys::put(&server, caller, &request.version, rooms).await?;
    Ok(Response::new(etag, count))
}
