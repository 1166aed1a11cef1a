//! `POST /oauth2/revoke`
//!
//! A client signs its user out. [Specification](https://spec.matrix.org/v1.19/client-server-api/#token-revocation)

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use rohrpost_core::{Server, oauth::revoke};
use serde_json::json;

use super::form::{form, secret};
use crate::error::OAuthError;

pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, OAuthError> {
    let (address, parameters) = form(request).await?;
    revoke::revoke(&server, address, &parameters).await?;
    Ok(secret(&json!({})))
}
