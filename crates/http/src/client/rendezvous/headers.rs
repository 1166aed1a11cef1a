//! What MSC4108 says in headers.

use std::time::{Duration, SystemTime};

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rohrpost_core::{
    Refusal,
    rendezvous::{MAX_BYTES, Note},
};

use crate::{error::ApiError, routes::read_body};

/// The note of a request.
pub(super) async fn note(request: Request) -> Result<String, ApiError> {
    let (parts, body) = request.into_parts();
    if parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| value != "text/plain")
    {
        return Err(Refusal::InvalidParam("the content type must be text/plain".to_owned()).into());
    }
    let body = read_body(body, MAX_BYTES).await?;
    let text = String::from_utf8(body.into());
    text.map_err(|_| Refusal::InvalidParam("the body is not UTF-8".to_owned()).into())
}

/// The tag that a header names.
pub(super) fn tag(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim_start_matches("W/").trim_matches('"').to_owned())
}

fn date(ts: i64) -> HeaderValue {
    let since = Duration::from_millis(u64::try_from(ts).unwrap_or_default());
    let text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since);
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"))
}

/// Says in headers how new a note is and how long it lives.
pub(super) fn describe(response: &mut Response<Body>, note: &Note) {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", note.tag)) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::EXPIRES, date(note.expires_ts));
    headers.insert(header::LAST_MODIFIED, date(note.changed_ts));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}
