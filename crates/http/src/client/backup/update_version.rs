//! `PUT /_matrix/client/v3/room_keys/version/{version}`
//!
//! Changes the auth data of a version of the key backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keysversionversion)

use rohrpost_core::{Result, encryption::backup_versions};
use ruma::api::client::backup::update_backup_version::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn update_version(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    backup_versions::update(&server, caller, &request.version, request.algorithm.json()).await?;
    Ok(Response::new())
}
