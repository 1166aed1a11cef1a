//! `POST /_matrix/client/v3/join/{roomIdOrAlias}`
//!
//! Joins a room by its id or its address. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias)

use rohrpost_core::{
    Result,
    rooms::membership::{self, Change, ChangeMembership},
};
use ruma::api::client::membership::join_room_by_id_or_alias::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn join_by_alias(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let (room_id, servers) = membership::resolve(&server, &caller, request.room_id_or_alias).await?;
    let via = request.via.into_iter().chain(servers).collect();
    let wanted = ChangeMembership {
        caller,
        room_id: room_id.clone(),
        change: Change::Join,
        reason: request.reason,
    };
    membership::change_via(&server, wanted, via).await?;
    Ok(Response::new(room_id))
}
