//! `GET /_matrix/client/v3/room_keys/version`
//!
//! Answers the newest version of the key backup.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversion)

use rohrpost_core::{Result, encryption::backup_versions};
use ruma::api::client::backup::get_latest_backup_info::v3::{Request, Response};

use super::algorithm::algorithm;
use crate::call::Authed;

pub(crate) async fn latest_version(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    let version = backup_versions::latest(&server, caller).await?;
    let algorithm = algorithm(&version)?;
    Ok(Response::new(
        algorithm,
        version.mark.count,
        version.mark.etag,
        version.version,
    ))
}
