//! `POST /_matrix/client/v3/rooms/{roomId}/leave`
//!
//! Leaves a room, or refuses an invitation. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave)

use rohrpost_core::{
    Result,
    rooms::membership::{self, Change, ChangeMembership},
};
use ruma::api::client::membership::leave_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn leave(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let change = Change::Leave;
    let wanted = ChangeMembership {
        caller,
        room_id: request.room_id,
        change,
        reason: request.reason,
    };
    membership::change(&server, wanted).await?;
    Ok(Response::new())
}
