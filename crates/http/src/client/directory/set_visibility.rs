//! `PUT /_matrix/client/v3/directory/list/room/{roomId}`
//!
//! Lists or unlists a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid)

use rohrpost_core::{Result, directory::listing};
use ruma::api::client::directory::set_room_visibility::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_visibility(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    listing::set(&server, caller, request.room_id, request.visibility).await?;
    Ok(Response::new())
}
