//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`
//!
//! Lists the tags of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags)

use rohrpost_core::{
    Result,
    personal::{own, tags},
};
use ruma::api::client::tag::get_tags::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_tags(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    own(&caller, &request.user_id)?;
    Ok(Response::new(
        tags::list(&server, &caller, request.room_id).await?,
    ))
}
