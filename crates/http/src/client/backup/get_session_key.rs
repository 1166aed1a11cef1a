//! `GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`
//!
//! Answers the key of a session in the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid)

use std::collections::BTreeMap;

use rohrpost_core::{
    Refusal, Result,
    encryption::backup_keys::{self, Which},
};
use ruma::api::client::backup::get_backup_keys_for_session::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_session_key(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let which = Which::Session(request.room_id, request.session_id);
    let rooms = backup_keys::get(&server, caller, &request.version, which).await?;
    let key = rooms.into_values().flat_map(BTreeMap::into_values).next();
    Ok(Response::new(key.ok_or_else(|| Refusal::not_found("key"))?))
}
