//! `GET /.well-known/matrix/client`: where this server is, for clients that only know its name.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient>

use std::sync::Arc;

use axum::{extract::State, response::Response};
use rohrpost_core::Server;
use ruma::api::client::discovery::discover_homeserver::{HomeserverInfo, Response as Discovered};

use crate::error::render;

pub(crate) async fn client(State(server): State<Arc<Server>>) -> Response {
    render(Discovered::new(HomeserverInfo::new(
        server.settings.public_url.clone(),
    )))
}
