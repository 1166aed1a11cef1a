//! `POST /_matrix/client/v3/rooms/{roomId}/forget`
//!
//! Forgets a room that was left. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget)

use rohrpost_core::{Result, rooms::forget as use_case};
use ruma::api::client::membership::forget_room::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn forget(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    use_case::forget(&server, caller, request.room_id).await?;
    Ok(Response::new())
}
