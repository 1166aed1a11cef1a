//! `GET /_matrix/client/v3/rooms/{roomId}/aliases`
//!
//! The aliases of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases)

use rohrpost_core::{Result, directory::aliases};
use ruma::api::client::room::aliases::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_aliases(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    Ok(Response::new(
        aliases::list(&server, &caller, request.room_id).await?,
    ))
}
