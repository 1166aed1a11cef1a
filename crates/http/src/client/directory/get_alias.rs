//! `GET /_matrix/client/v3/directory/room/{roomAlias}`
//!
//! The room that an alias points to. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias)

use rohrpost_core::{Result, directory::aliases};
use ruma::api::client::alias::get_alias::v3::{Request, Response};

use crate::call::Public;

pub(crate) async fn get_alias(Public { server, caller, .. }: Public, request: Request) -> Result<Response> {
    let found = aliases::resolve(&server, caller.as_ref(), &request.room_alias).await?;
    Ok(Response::new(found.room_id, found.servers))
}
