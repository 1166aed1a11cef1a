//! `DELETE /_matrix/client/v3/room_keys/keys`
//!
//! Removes the keys in the backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeys)

use rohrpost_core::{
    Result,
    encryption::backup_keys::{self, Mark, Which},
};
use ruma::api::client::backup::delete_backup_keys::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let Mark { etag, count } = backup_keys::delete(&server, caller, &request.version, Which::All).await?;
    Ok(Response::new(etag, count))
}
