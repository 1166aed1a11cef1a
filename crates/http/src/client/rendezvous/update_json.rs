//! `PUT /_matrix/client/unstable/io.element.msc4388/rendezvous/{id}`
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
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::{ApiError, conflict},
    rohrpost::own::object,
    routes::read_body,
};

/// A note of 4 KiB, each byte of it escaped, and what is around it.
const MAX_BODY_BYTES: usize = 32 * 1024;

#[derive(Deserialize)]
struct Update {
    sequence_token: String,
    data: String,
}

pub(super) async fn update(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = read_body(request.into_body(), MAX_BODY_BYTES).await?;
    let asked: Update = object(&body).map_err(|error| match error.is_data() {
        true => ApiError::from(Refusal::BadJson(error.to_string())),
        false => ApiError::NotJson("the body is not JSON".to_owned()),
    })?;
    match rendezvous::change(&server, &name, &asked.sequence_token, asked.data)? {
        Changed::Done(note) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            Ok((json, json!({ "sequence_token": note.tag }).to_string()).into_response())
        }
        Changed::Overtaken(_) => Ok(conflict()),
    }
}
