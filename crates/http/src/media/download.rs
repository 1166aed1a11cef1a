//! `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}[/{fileName}]`
//!
//! Sends a file. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid)

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use rohrpost_core::{
    Caller, Server,
    media::{Address, download},
};
use ruma::api::client::authenticated_media::{get_content, get_content_as_filename};

use super::{answer::answer, authed::RawAuthed};
use crate::error::ApiError;

pub(crate) async fn download(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let headers = parts.headers.clone();
    let wanted = authed.parse::<get_content::v1::Request>(parts);
    let wanted = wanted.map(|request| {
        let address = Address {
            server_name: request.server_name,
            media_id: request.media_id,
        };
        (address, request.timeout_ms)
    });
    send(server, &authed.caller, wanted, None, &headers)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

/// The same, under a name that the client chooses.
pub(crate) async fn download_as(
    State(server): State<Arc<Server>>,
    authed: RawAuthed,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let headers = parts.headers.clone();
    let (wanted, name) = match authed.parse::<get_content_as_filename::v1::Request>(parts) {
        Ok(request) => {
            let address = Address {
                server_name: request.server_name,
                media_id: request.media_id,
            };
            (Ok((address, request.timeout_ms)), Some(request.filename))
        }
        Err(error) => (Err(error), None),
    };
    send(server, &authed.caller, wanted, name, &headers)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn send(
    server: Arc<Server>,
    caller: &Caller,
    wanted: Result<(Address, Duration), ApiError>,
    name: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let (address, wait) = wanted?;
    let mut found = download::open(&server, address, wait, &caller.user_id).await?;
    found.file_name = name.or(found.file_name);
    Ok(answer(found, headers).await?)
}
