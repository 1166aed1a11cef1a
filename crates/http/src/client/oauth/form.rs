//! The requests of OAuth 2.0 clients: forms, not JSON.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header};
use rohrpost_core::oauth::{OAuthRefusal, Parameters};
use serde::Serialize;

use crate::routes::{address, read_body};

/// Largest request of a client, in bytes.
const MAX_BYTES: usize = 32 * 1024;

/// Where a request comes from, and its body, if it is of the given type.
pub(super) async fn body(request: Request, media_type: &str) -> Result<(IpAddr, Bytes), OAuthRefusal> {
    let (parts, body) = request.into_parts();
    let given = parts.headers.get(header::CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if !given.eq_ignore_ascii_case(media_type) {
        return Err(OAuthRefusal::InvalidRequest(
            "the content type is not the right one",
        ));
    }
    let body = read_body(body, MAX_BYTES).await;
    let body = body.map_err(|_| OAuthRefusal::InvalidRequest("the request is too long or broke off"))?;
    Ok((address(&parts.extensions), body))
}

/// Where a form comes from, and what is in it.
pub(super) async fn form(request: Request) -> Result<(IpAddr, Parameters), OAuthRefusal> {
    let (address, body) = body(request, "application/x-www-form-urlencoded").await?;
    Ok((address, Parameters::parse(&body)?))
}

/// An answer with secrets in it: nobody may keep it.
pub(super) fn secret(answer: &impl Serialize) -> Response {
    let mut response = Body::from(serde_json::to_vec(answer).unwrap_or_default()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
