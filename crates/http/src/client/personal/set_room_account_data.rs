//! `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`
//!
//! Keeps a piece of data about a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype)

use rohrpost_core::{
    Result,
    personal::{
        account_data::{self, SetAccountData},
        own,
    },
};
use ruma::api::client::config::set_room_account_data::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_room_account_data(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let data = SetAccountData {
        caller,
        room_id: Some(request.room_id),
        kind: request.event_type.to_string(),
        content: request.data.json().get().to_owned(),
    };
    account_data::set(&server, data).await?;
    Ok(Response::new())
}
