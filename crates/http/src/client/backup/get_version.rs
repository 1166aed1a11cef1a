//! `GET /_matrix/client/v3/room_keys/version/{version}`
//!
//! Answers a version of the key backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversionversion)

use rohrpost_core::{Result, encryption::backup_versions};
use ruma::api::client::backup::get_backup_info::v3::{Request, Response};

use super::algorithm::algorithm;
use crate::call::Authed;

pub(crate) async fn get_version(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let version = backup_versions::get(&server, caller, &request.version).await?;
    let algorithm = algorithm(&version)?;
    Ok(Response::new(
        algorithm,
        version.mark.count,
        version.mark.etag,
        version.version,
    ))
}
