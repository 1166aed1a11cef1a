//! Figures for Prometheus: on a listener of their own, or for administrators.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use rohrpost_core::{Refusal, Server, caller::authenticate};

use crate::{error::ApiError, routes::bearer};

/// Writes down all figures in Prometheus' text format.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// `GET /metrics` for everybody who can reach the listener.
pub fn metrics_router(render: Render) -> Router {
    Router::new().route("/metrics", get(async move || answer(&render)))
}

/// `GET /metrics` for administrators, beside the client API.
pub fn metrics_for_administrators(server: Arc<Server>, render: Render) -> Router {
    let handler =
        async move |State(server): State<Arc<Server>>, headers: HeaderMap| match admit(&server, &headers)
            .await
        {
            Ok(()) => answer(&render),
            Err(refusal) => ApiError::from(refusal).into_response(),
        };
    Router::new().route("/metrics", get(handler)).with_state(server)
}

async fn admit(server: &Arc<Server>, headers: &HeaderMap) -> Result<(), Refusal> {
    let caller = authenticate(server, bearer(headers).ok_or(Refusal::MissingToken)?).await?;
    if !caller.administrator {
        return Err(Refusal::Forbidden(
            "only administrators may read the metrics".to_owned(),
        ));
    }
    Ok(())
}

fn answer(render: &Render) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        render(),
    )
        .into_response()
}
