//! `GET /_matrix/client/v3/joined_rooms`
//!
//! Lists the rooms that the caller is joined to. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms)

use rohrpost_core::{Result, rooms::joined};
use ruma::api::client::membership::joined_rooms::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn joined_rooms(
    Authed { server, caller, .. }: Authed,
    _request: Request,
) -> Result<Response> {
    Ok(Response::new(joined::list(&server, caller).await?))
}
