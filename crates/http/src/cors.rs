//! Cross-origin requests: web clients of other origins may call the Matrix APIs, as the specification asks. They
//! are authorized by a token that a browser doesn't send by itself, so this opens nothing.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients>

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, header};

/// Where OAuth 2.0 clients ask, as web clients of other origins do.
const OAUTH: [&str; 4] = [
    "/oauth2/register",
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/device",
];

/// Adds the headers that the specification recommends; answers preflight requests.
pub(crate) async fn cors(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/_matrix/")
        || request.uri().path().starts_with("/.well-known/matrix/")
        || OAUTH.contains(&request.uri().path());
    if !is_api {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        ().into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, DELETE, PATCH, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Retry-After, ETag"),
    );
    response
}
