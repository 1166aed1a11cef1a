//! `POST /_matrix/media/v3/upload`, `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`
//!
//! Takes a file as it comes, straight to the disk. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload)

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use rohrpost_core::{
    Refusal, Server,
    media::{
        Address,
        upload::{self, NewUpload, Upload},
    },
};
use ruma::{
    OwnedMxcUri,
    api::client::media::{create_content::v3, create_content_async},
};

use super::authed::RawAuthed;
use crate::error::{ApiError, render};

/// Longest time for the next piece of a file to arrive.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn upload(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let announced_bytes = announced(&parts.headers);
    let new = authed.parse(parts).map(|request: v3::Request| NewUpload {
        caller: authed.caller,
        content_type: request.content_type,
        file_name: request.filename,
        announced_bytes,
        address: None,
    });
    match receive(&server, new, body).await {
        Ok(address) => render(v3::Response::new(address)),
        Err(error) => error.into_response(),
    }
}

/// `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`: the same, to an address that was made before.
/// [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixmediav3uploadservernamemediaid)
pub(crate) async fn upload_to(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let announced_bytes = announced(&parts.headers);
    let new = authed
        .parse(parts)
        .map(|request: create_content_async::v3::Request| NewUpload {
            caller: authed.caller,
            content_type: request.content_type,
            file_name: request.filename,
            announced_bytes,
            address: Some(Address {
                server_name: request.server_name,
                media_id: request.media_id,
            }),
        });
    match receive(&server, new, body).await {
        // `ruma` has no way to make this empty answer.
        Ok(_) => ([(header::CONTENT_TYPE, "application/json")], "{}").into_response(),
        Err(error) => error.into_response(),
    }
}

/// How long the file will be, as the client says.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn receive(
    server: &Arc<Server>,
    new: Result<NewUpload, ApiError>,
    body: Body,
) -> Result<OwnedMxcUri, ApiError> {
    let mut upload = upload::begin(server, new?).await?;
    copy(body, &mut upload).await?;
    Ok(upload.finish().await?)
}

async fn copy(mut body: Body, upload: &mut Upload) -> Result<(), ApiError> {
    loop {
        let piece = tokio::time::timeout(PIECE_TIMEOUT, body.frame())
            .await
            .map_err(|_| ApiError::TooSlow)?;
        let Some(piece) = piece else { return Ok(()) };
        let piece = piece.map_err(|_| Refusal::Unknown("the upload broke off".to_owned()))?;
        if let Some(bytes) = piece.data_ref() {
            upload.write(bytes).await?;
        }
    }
}
