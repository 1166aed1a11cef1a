//! `DELETE /_matrix/client/v3/directory/room/{roomAlias}`
//!
//! Removes an alias. [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias)

use rohrpost_core::{Result, directory};
use ruma::api::client::alias::delete_alias::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_alias(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    directory::delete_alias::delete(&server, caller, request.room_alias).await?;
    Ok(Response::new())
}
