//! `GET /_matrix/client/v3/room_keys/keys`
//!
//! Answers the keys in the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeys)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Which},
};
use ruma::api::client::backup::{
    RoomKeyBackup,
    get_backup_keys::v3::{Request, Response},
};

use crate::call::Authed;

pub(crate) async fn get_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let rooms = backup_keys::get(&server, caller, &request.version, Which::All).await?;
    let rooms = rooms
        .into_iter()
        .map(|(room_id, sessions)| (room_id, RoomKeyBackup::new(sessions)));
    Ok(Response::new(rooms.collect()))
}
