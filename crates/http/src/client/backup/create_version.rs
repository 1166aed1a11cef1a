//! `POST /_matrix/client/v3/room_keys/version`
//!
//! Makes a new version of the key backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3room_keysversion)

use rohrpost_core::{Result, encryption::backup_versions};
use ruma::api::client::backup::create_backup_version::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn create_version(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let version = backup_versions::create(&server, caller, request.algorithm.json()).await?;
    Ok(Response::new(version))
}
