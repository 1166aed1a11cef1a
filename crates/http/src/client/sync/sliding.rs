//! `POST /_matrix/client/v4/sync`, `POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync`
//!
//! Sliding sync: what changed in the rooms that the client has windows on. It is newer than the
//! [specification](https://spec.matrix.org/v1.19/client-server-api/#syncing), as MSC4186.
//!
//! The unstable path speaks what clients in use speak, the stable one what the proposal became: other names for the
//! same things. Both are read by [`ask`], which takes either, and written by [`answer`]. `ruma` knows the unstable one
//! only, and its types would copy each event once more.

mod answer;
mod ask;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use rohrpost_core::{Refusal, Server, caller::authenticate_as, personal::presence, sync::sliding};

use crate::{
    error::ApiError,
    routes::{act_as, check_query, read_json, token},
};

const UNSTABLE: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
/// Where it is found.
pub(super) const PATHS: [&str; 2] = ["/_matrix/client/v4/sync", UNSTABLE];

pub(super) async fn sync(State(server): State<Arc<Server>>, request: Request) -> Response {
    match handle(&server, request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn handle(server: &Arc<Server>, request: Request) -> Result<Vec<u8>, ApiError> {
    let query = request.uri().query();
    let token = token(server, request.headers(), query).ok_or(Refusal::MissingToken)?;
    let caller = authenticate_as(server, &token, &act_as(query)).await?;
    let (parts, body) = request.into_parts();
    check_query(parts.uri.query())?;
    let is_unstable = parts.uri.path() == UNSTABLE;
    let asked: ask::Body = read_json(body).await?;
    let txn_id = asked.txn_id.clone();
    let (wanted, set_presence) = ask::read(asked, parts.uri.query(), caller)?;
    presence::seen(server, &wanted.caller, set_presence).await?;
    let answer = sliding::sync(server, wanted).await?;
    let body = answer::write(&answer, txn_id.as_deref(), is_unstable).map_err(Refusal::from)?;
    Ok(body)
}
