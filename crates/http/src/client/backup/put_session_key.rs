//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`
//!
//! Writes the key of a session to the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid)

use std::collections::BTreeMap;

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Mark, Rooms},
};
use ruma::api::client::backup::add_backup_keys_for_session::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn put_session_key(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let sessions = BTreeMap::from([(request.session_id, request.session_data)]);
    let rooms = Rooms::from([(request.room_id, sessions)]);
    let Mark { etag, count } = backup_keys::put(&server, caller, &request.version, rooms).await?;
    Ok(Response::new(etag, count))
}
