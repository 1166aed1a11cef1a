//! `GET /_matrix/federation/v1/query/directory`
//!
//! The room behind an alias of this server, and servers that are in it.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory>

use rohrpost_core::{Refusal, directory::aliases};
use ruma::api::federation::query::get_room_information::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn directory(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let found = aliases::resolve_local(&from.server, &request.room_alias).await?;
    Ok(Response::new(found.room_id, found.servers))
}
