//! `GET /_matrix/client/v3/directory/list/room/{roomId}`
//!
//! Whether a room is listed. That there is a room that isn't listed is told to those who are in it only. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid)

use rohrpost_core::{Result, directory::listing};
use ruma::api::client::directory::get_room_visibility::v3::{Request, Response};

use crate::call::Public;

pub(crate) async fn get_visibility(
    Public { server, caller, .. }: Public,
    request: Request,
) -> Result<Response> {
    Ok(Response::new(
        listing::get(&server, caller, request.room_id).await?,
    ))
}
