//! `POST /_matrix/client/v3/rooms/{roomId}/report`
//!
//! Reports a room; the answer is the same whether or not there is such a thing. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreport)

use rohrpost_core::{
    Result,
    reports::{self, Target},
};
use ruma::api::client::room::report_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn report_room(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let target = Target::Room(request.room_id);
    reports::report(&server, caller, target, Some(request.reason)).await?;
    Ok(Response::new())
}
