//! `GET /_matrix/media/v3/download/...`, `GET /_matrix/media/v3/thumbnail/...`
//!
//! The endpoints of old that need no access token. There is nothing to be had from them: everything that was ever
//! uploaded here was uploaded after they were frozen. [Specification](https://spec.matrix.org/v1.19/client-server-api/#content-repo-client-behaviour)

use rohrpost_core::Refusal;

use crate::error::ApiError;

/// Their paths.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    [
        "/_matrix/media/r0/download/{server_name}/{media_id}",
        "/_matrix/media/r0/download/{server_name}/{media_id}/{filename}",
        "/_matrix/media/r0/thumbnail/{server_name}/{media_id}",
        "/_matrix/media/v3/download/{server_name}/{media_id}",
        "/_matrix/media/v3/download/{server_name}/{media_id}/{filename}",
        "/_matrix/media/v3/thumbnail/{server_name}/{media_id}",
    ]
    .into_iter()
}

pub(crate) async fn not_found() -> ApiError {
    Refusal::not_found("file").into()
}
