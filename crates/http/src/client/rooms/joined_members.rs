//! `GET /_matrix/client/v3/rooms/{roomId}/joined_members`
//!
//! Lists the joined members of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members)

use rohrpost_core::{Result, rooms::members};
use ruma::api::client::membership::joined_members::v3::{Request, Response, RoomMember};

use crate::call::Authed;

pub(crate) async fn joined_members(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let joined = members::joined(&server, caller, request.room_id).await?;
    let joined = joined.into_iter().map(|(user_id, member)| {
        let mut shown = RoomMember::new();
        shown.display_name = member.displayname;
        shown.avatar_url = member.avatar_url.map(Into::into);
        (user_id, shown)
    });
    Ok(Response::new(joined.collect()))
}
