//! `GET /_matrix/federation/v1/media/download/{mediaId}`
//!
//! A file that was uploaded here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid>

use axum::response::Response;
use rohrpost_core::{
    Refusal,
    media::{Address, download},
};
use ruma::api::federation::authenticated_media::get_content::v1::Request;

use super::parts;
use crate::federation::receive::FromServer;

pub(super) async fn download(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let address = Address {
        server_name: from.server.name().to_owned(),
        media_id: request.media_id,
    };
    let found = download::open_local(&from.server, address, request.timeout_ms).await?;
    Ok(parts(found))
}
