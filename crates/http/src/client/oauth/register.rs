//! `POST /oauth2/register`
//!
//! A program registers itself. [Specification](https://spec.matrix.org/v1.19/client-server-api/#dynamic-client-registration-flow)

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use rohrpost_core::{
    Server,
    oauth::{Client, OAuthRefusal, register},
};
use serde::Serialize;

use super::form::{body, secret};
use crate::error::{OAuthError, created};

#[derive(Serialize)]
struct Answer {
    client_id: String,
    #[serde(flatten)]
    client: Client,
}

pub(crate) async fn register(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, OAuthError> {
    let (address, body) = body(request, "application/json").await?;
    let metadata = serde_json::from_slice(&body)
        .map_err(|_| OAuthRefusal::InvalidClientMetadata("the body is not a JSON object"))?;
    let registered = register::register(&server, address, &metadata).await?;
    Ok(created(secret(&Answer {
        client_id: registered.client_id,
        client: registered.client,
    })))
}
