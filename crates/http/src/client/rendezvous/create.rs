//! `POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous`
//!
//! Leaves a note for another device.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use rohrpost_core::{Server, rendezvous};
use serde_json::json;

use super::{PATH, headers};
use crate::{
    error::{ApiError, created},
    routes::address,
};

pub(super) async fn create(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, ApiError> {
    let address = address(request.extensions());
    let data = headers::note(request).await?;
    let (name, note) = rendezvous::create(&server, address, data)?;
    let url = format!("{}{PATH}/{name}", server.settings.public_url);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (json, json!({ "url": url }).to_string()).into_response();
    headers::describe(&mut response, &note);
    Ok(created(response))
}
