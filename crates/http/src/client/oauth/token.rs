//! `POST /oauth2/token`
//!
//! Exchanges a code or a refresh token for tokens. [Specification](https://spec.matrix.org/v1.19/client-server-api/#grant-types)

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use rohrpost_core::{Server, oauth::exchange};
use serde::Serialize;

use super::form::{form, secret};
use crate::error::OAuthError;

#[derive(Serialize)]
struct Answer {
    access_token: String,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
}

pub(crate) async fn token(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, OAuthError> {
    let (address, parameters) = form(request).await?;
    let exchanged = exchange::exchange(&server, address, &parameters).await?;
    let expires_in = exchanged.tokens.expires_in();
    Ok(secret(&Answer {
        access_token: exchanged.tokens.access,
        token_type: "Bearer",
        expires_in: expires_in.map(|lifetime| lifetime.as_secs()),
        refresh_token: exchanged.tokens.refresh,
        scope: exchanged.scope,
    }))
}
