//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`
//!
//! Reads a piece of data about a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype)

use rohrpost_core::{
    Result,
    personal::{account_data, own},
};
use ruma::{
    api::client::config::get_room_account_data::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn get_room_account_data(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let kind = request.event_type.to_string();
    let content = account_data::get(&server, &caller, Some(request.room_id), kind).await?;
    Ok(Response::new(Raw::from_json_string(content)?))
}
