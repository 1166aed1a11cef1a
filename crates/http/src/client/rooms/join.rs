//! `POST /_matrix/client/v3/rooms/{roomId}/join`
//!
//! Joins a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin)

use rohrpost_core::{
    Result,
    rooms::membership::{self, Change, ChangeMembership},
};
use ruma::api::client::membership::join_room_by_id::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn join(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let room_id = request.room_id.clone();
    let wanted = ChangeMembership {
        caller,
        room_id,
        change: Change::Join,
        reason: request.reason,
    };
    membership::change(&server, wanted).await?;
    Ok(Response::new(request.room_id))
}
