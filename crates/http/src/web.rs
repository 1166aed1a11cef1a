//! The web client: files of `web/dist`, embedded into the program with their compressed forms.
//!
//! Whatever is no file and no part of an API is a place inside the client, so it gets the client's one page.

mod encoding;

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use rust_embed::{Embed, EmbeddedFile};

use self::encoding::Encoding;
use crate::error::{ApiError, not_modified};

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Dist;

/// The content security policy, written down by the web client.
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/csp.txt"));
/// Answers of the APIs are JSON, whether or not there is such an endpoint.
const APIS: &[&str] = &[
    "_matrix",
    "_rohrpost",
    "_synapse",
    ".well-known",
    "health",
    "metrics",
    "livekit",
];
/// Files whose names change with their content.
const ASSETS: &str = "assets/";
const PAGE: &str = "index.html";
/// What is said when the program was built without the web client.
const NOT_BUILT: &str = "<!doctype html>
<html lang=\"de\"><meta charset=\"utf-8\"><title>Rohrpost</title>
<h1>Rohrpost</h1>
<p>Dieser Server läuft, aber sein Web-Client ist nicht eingebaut. Mit anderen Matrix-Programmen können Sie ihn nutzen.
<p lang=\"en\">This server is running, but its web client isn't built in. You can use it with other Matrix clients.
";

/// Everything that no route answers.
pub(crate) async fn fallback(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || APIS.contains(&first) {
        return ApiError::NoEndpoint.into_response();
    }
    // The compressed forms are reached by the names of their files only.
    let is_compressed = path.ends_with(".br") || path.ends_with(".gz");
    let name = if !is_compressed && Dist::get(path).is_some() {
        path
    } else if path.contains('.') || path.starts_with(ASSETS) {
        return ApiError::NoEndpoint.into_response();
    } else {
        PAGE
    };
    let mut response = file(name, request.headers());
    secure(response.headers_mut());
    if request.method() == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some((file, encoding)) = find(name, headers) else {
        return (
            [
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                ),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
                (header::CONTENT_LENGTH, HeaderValue::from(NOT_BUILT.len())),
            ],
            NOT_BUILT,
        )
            .into_response();
    };
    let tag = tag(&file);
    let mut response = if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| names(known, &tag))
    {
        not_modified()
    } else {
        let length = HeaderValue::from(file.data.len());
        let mut response = Response::new(Body::from(match file.data {
            Cow::Borrowed(data) => Bytes::from_static(data),
            Cow::Owned(data) => data.into(),
        }));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        if let Some(coding) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let is_asset = name.starts_with(ASSETS);
    let caching = if is_asset {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes"),
    );
    response
}

/// A file in the smallest form that the client takes.
fn find(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Encoding)> {
    let accepted = encoding::accepted(headers);
    accepted
        .into_iter()
        .find_map(|encoding| Some((Dist::get(&format!("{name}{}", encoding.suffix()))?, encoding)))
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Whether `If-None-Match` names this tag.
fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known
        .split(',')
        .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What a browser is to refuse on our behalf.
fn secure(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self), geolocation=(self), payment=(), usb=(), serial=(), \
             bluetooth=(), hid=(), midi=()",
        ),
    ];
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
