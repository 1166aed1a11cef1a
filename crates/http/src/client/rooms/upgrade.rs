//! `POST /_matrix/client/v3/rooms/{roomId}/upgrade`
//!
//! Replaces a room by one of another version. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade)

use rohrpost_core::{
    Result,
    rooms::upgrade::{self, Upgrade},
};
use ruma::api::client::room::upgrade_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn upgrade(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = Upgrade {
        caller,
        room_id: request.room_id,
        version: request.new_version,
        additional_creators: request.additional_creators,
    };
    Ok(Response::new(upgrade::upgrade(&server, wanted).await?))
}
