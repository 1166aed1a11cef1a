//! `GET /_matrix/client/v1/media/config`
//!
//! How large an upload may be. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig)

use rohrpost_core::Result;
use ruma::{
    UInt,
    api::client::{
        authenticated_media::get_media_config::v1::{Request, Response},
        media::get_media_config::v3,
    },
};

use crate::call::Authed;

pub(crate) async fn get_config(Authed { server, .. }: Authed, _: Request) -> Result<Response> {
    Ok(Response::new(UInt::new_saturating(
        server.settings.max_upload_bytes,
    )))
}

/// The same under its old path.
#[expect(deprecated, reason = "older clients ask here")]
pub(crate) async fn get_legacy_config(Authed { server, .. }: Authed, _: v3::Request) -> Result<v3::Response> {
    Ok(v3::Response::new(UInt::new_saturating(
        server.settings.max_upload_bytes,
    )))
}
