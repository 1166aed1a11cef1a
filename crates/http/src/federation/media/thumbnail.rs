//! `GET /_matrix/federation/v1/media/thumbnail/{mediaId}`
//!
//! A picture that was uploaded here, made smaller.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediathumbnailmediaid>

use axum::response::Response;
use rohrpost_core::{
    Refusal,
    media::{
        Address,
        thumbnail::{self, Wanted},
    },
};
use ruma::api::federation::authenticated_media::get_content_thumbnail::v1::Request;

use super::parts;
use crate::federation::receive::FromServer;

pub(super) async fn thumbnail(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let wanted = Wanted {
        address: Address {
            server_name: from.server.name().to_owned(),
            media_id: request.media_id,
        },
        width: request.width.into(),
        height: request.height.into(),
        method: request.method,
        animated: request.animated == Some(true),
        wait: request.timeout_ms,
        viewer: None,
    };
    Ok(parts(thumbnail::open(&from.server, wanted).await?))
}
