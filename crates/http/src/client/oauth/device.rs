//! `POST /oauth2/device`
//!
//! A device without a browser begins to sign in. [Specification](https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow)

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use rohrpost_core::{
    Server,
    oauth::{device, metadata::link_url},
};
use serde_json::json;

use super::form::{form, secret};
use crate::error::OAuthError;

pub(crate) async fn device(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, OAuthError> {
    let (address, parameters) = form(request).await?;
    let begun = device::begin(&server, address, &parameters).await?;
    let link = link_url(&server);
    Ok(secret(&json!({
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": link,
        "verification_uri_complete": format!("{link}?user_code={}", begun.user_code),
        "expires_in": device::LIFETIME.as_secs(),
        "interval": device::INTERVAL.as_secs(),
    })))
}
