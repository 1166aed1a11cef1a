//! `DELETE /_matrix/client/v3/room_keys/version/{version}`
//!
//! Removes a version of the key backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keysversionversion)

use rohrpost_core::{Result, encryption::backup_versions};
use ruma::api::client::backup::delete_backup_version::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_version(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    backup_versions::delete(&server, caller, &request.version).await?;
    Ok(Response::new())
}
