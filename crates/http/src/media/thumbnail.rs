//! `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`
//!
//! Sends a picture made smaller. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid)

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use rohrpost_core::{
    Server,
    media::{
        Address,
        thumbnail::{self, Wanted},
    },
};
use ruma::api::client::authenticated_media::get_content_thumbnail::v1;

use super::{answer::answer, authed::RawAuthed};
use crate::error::ApiError;

pub(crate) async fn thumbnail(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    send(server, authed, request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn send(server: Arc<Server>, authed: RawAuthed, request: Request) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let headers = parts.headers.clone();
    let request: v1::Request = authed.parse(parts)?;
    let wanted = Wanted {
        address: Address {
            server_name: request.server_name,
            media_id: request.media_id,
        },
        width: request.width.into(),
        height: request.height.into(),
        method: request.method,
        animated: request.animated == Some(true),
        wait: request.timeout_ms,
        viewer: Some(authed.caller.user_id.clone()),
    };
    Ok(answer(thumbnail::open(&server, wanted).await?, &headers).await?)
}
