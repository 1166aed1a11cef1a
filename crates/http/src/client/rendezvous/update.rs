//! `PUT /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{id}`
//!
//! Changes a note.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use rohrpost_core::{
    Refusal, Server,
    rendezvous::{self, Changed},
};

use super::headers;
use crate::error::{ApiError, accepted, overtaken};

pub(super) async fn update(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let tag = headers::tag(request.headers(), &header::IF_MATCH);
    let tag = tag.ok_or_else(|| Refusal::MissingParam("If-Match is missing".to_owned()))?;
    let data = headers::note(request).await?;
    let (mut response, note) = match rendezvous::change(&server, &name, &tag, data)? {
        Changed::Done(note) => (accepted(), note),
        Changed::Overtaken(note) => (overtaken().into_response(), note),
    };
    headers::describe(&mut response, &note);
    Ok(response)
}
