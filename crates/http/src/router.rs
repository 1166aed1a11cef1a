//! The router: every endpoint, the web client, and what holds for all requests.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::FutureExt as _;
use http::Method;
use rohrpost_core::{Refusal, Server};

use crate::{client, cors::cors, error::ApiError, federation, health::health, rohrpost::confirm_email, web};

/// Everything that the client listener answers.
pub fn router(server: Arc<Server>) -> Router {
    client::routes()
        .into_router()
        .merge(federation::routes().into_router())
        .route("/health", get(health))
        .route(
            confirm_email::PATH,
            get(confirm_email::show).post(confirm_email::confirm),
        )
        .fallback(web::fallback)
        .layer(middleware::from_fn(catch_panic))
        .layer(middleware::from_fn(cors))
        .layer(middleware::from_fn(measure))
        .with_state(server)
}

/// A panic is a bug of ours or of a library. It costs the one request that met it an answer, and nothing else.
async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => ApiError::from(Refusal::Internal("a handler panicked".to_owned())).into_response(),
    }
}

/// Counts requests by their path template: no identifier becomes a label.
async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method(request.method());
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let labels = [
        ("method", method.to_owned()),
        ("path", path),
        ("status", status.to_string()),
    ];
    metrics::histogram!("rohrpost_http_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}

/// The method as a label. A peer can invent methods, and each label costs memory for good.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
