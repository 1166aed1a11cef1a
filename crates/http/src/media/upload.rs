//! `POST /_matrix/media/v3/upload`
//!
//! Takes a file as it comes, straight to the disk. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload)

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use http_body_util::BodyExt as _;
use rohrpost_core::{
    Refusal, Server,
    media::upload::{self, NewUpload, Upload},
};
use ruma::{OwnedMxcUri, api::client::media::create_content::v3};

use super::authed::RawAuthed;
use crate::error::{ApiError, render};

/// Longest time for the next piece of a file to arrive.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn upload(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    match receive(server, authed, request).await {
        Ok(address) => render(v3::Response::new(address)),
        Err(error) => error.into_response(),
    }
}

async fn receive(server: Arc<Server>, authed: RawAuthed, request: Request) -> Result<OwnedMxcUri, ApiError> {
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced_bytes = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let request: v3::Request = authed.parse(parts)?;
    let new = NewUpload {
        caller: authed.caller,
        content_type: request.content_type,
        file_name: request.filename,
        announced_bytes,
    };
    let mut upload = upload::begin(&server, new).await?;
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
