//! `POST /_matrix/client/v3/rooms/{roomId}/unban`
//!
//! Lifts a ban. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidunban)

use rohrpost_core::{
    Result,
    rooms::membership::{self, Change, ChangeMembership},
};
use ruma::api::client::membership::unban_user::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn unban(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let change = Change::Unban(request.user_id);
    let wanted = ChangeMembership {
        caller,
        room_id: request.room_id,
        change,
        reason: request.reason,
    };
    membership::change(&server, wanted).await?;
    Ok(Response::new())
}
