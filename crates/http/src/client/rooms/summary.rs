//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}`
//!
//! What a room is, before joining it. Needs a token here, which the specification leaves to the server.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias)

use rohrpost_core::{Result, rooms::summary};
use ruma::api::client::room::get_summary::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn summary(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let (summary, membership) = summary::get(&server, caller, request.room_id_or_alias).await?;
    let mut response = Response::new(summary);
    response.membership = Some(membership);
    Ok(response)
}
