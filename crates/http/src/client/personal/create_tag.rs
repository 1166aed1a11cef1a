//! `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
//!
//! Tags a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag)

use rohrpost_core::{
    Result,
    personal::{
        own,
        tags::{self, Change, ChangeTag},
    },
};
use ruma::api::client::tag::create_tag::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn create_tag(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let change = Change::Set(request.tag_info);
    tags::change(
        &server,
        ChangeTag {
            caller,
            room_id: request.room_id,
            tag: request.tag,
            change,
        },
    )
    .await?;
    Ok(Response::new())
}
