//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
//!
//! Says that the caller types, or stopped. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid)

use rohrpost_core::{
    Result,
    personal::{
        own,
        typing::{self, SetTyping},
    },
};
use ruma::api::client::typing::create_typing_event::v3::{Request, Response, Typing};

use crate::call::Authed;

pub(crate) async fn set_typing(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let timeout = match request.state {
        Typing::Yes(info) => Some(info.timeout),
        Typing::No => None,
    };
    typing::set(
        &server,
        SetTyping {
            caller,
            room_id: request.room_id,
            timeout,
        },
    )
    .await?;
    Ok(Response::new())
}
