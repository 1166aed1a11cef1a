//! `GET /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{id}`
//!
//! Reads a note.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use rohrpost_core::{Server, rendezvous};

use super::headers;
use crate::error::{ApiError, not_modified};

pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    asked: HeaderMap,
) -> Result<Response, ApiError> {
    let note = rendezvous::get(&server, &name)?;
    let is_known = headers::tag(&asked, &header::IF_NONE_MATCH).is_some_and(|tag| tag == note.tag);
    let mut response = if is_known {
        not_modified()
    } else {
        ([(header::CONTENT_TYPE, "text/plain")], note.data.clone()).into_response()
    };
    headers::describe(&mut response, &note);
    Ok(response)
}
