//! `DELETE /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{id}`
//!
//! Takes a note away.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use rohrpost_core::{Server, rendezvous};

use crate::error::{ApiError, no_content};

pub(super) async fn delete(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    rendezvous::delete(&server, &name)?;
    Ok(no_content())
}
