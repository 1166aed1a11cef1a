//! `GET /.well-known/matrix/server`
//!
//! Where other servers find this one: where people reach it, too.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver>

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::Method;
use rohrpost_core::Server;
use ruma::api::federation::discovery::discover_homeserver::Response as Discovered;

use crate::{
    error::{ApiError, render},
    routes::{Access, Routes},
};

pub(crate) fn routes(routes: &mut Routes) {
    routes.raw(Method::GET, "/.well-known/matrix/server", Access::Public, server);
}

async fn server(State(server): State<Arc<Server>>) -> Response {
    match server.settings.federation.address.clone() {
        Some(address) if server.settings.federation.is_on() => render(Discovered::new(address)),
        _ => ApiError::NoEndpoint.into_response(),
    }
}
