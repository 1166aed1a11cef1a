//! `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`
//!
//! Keeps a piece of data for the whole account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype)

use rohrpost_core::{
    Result,
    personal::{
        account_data::{self, SetAccountData},
        own,
    },
};
use ruma::api::client::config::set_global_account_data::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_account_data(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let data = SetAccountData {
        caller,
        room_id: None,
        kind: request.event_type.to_string(),
        content: request.data.json().get().to_owned(),
    };
    account_data::set(&server, data).await?;
    Ok(Response::new())
}
