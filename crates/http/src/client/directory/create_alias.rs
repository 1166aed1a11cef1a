//! `PUT /_matrix/client/v3/directory/room/{roomAlias}`
//!
//! Makes an alias for a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias)

use rohrpost_core::{
    Result,
    directory::aliases::{self, CreateAlias},
};
use ruma::api::client::alias::create_alias::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn create_alias(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    aliases::create(
        &server,
        CreateAlias {
            caller,
            alias: request.room_alias,
            room_id: request.room_id,
        },
    )
    .await?;
    Ok(Response::new())
}
