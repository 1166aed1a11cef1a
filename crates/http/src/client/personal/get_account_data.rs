//! `GET /_matrix/client/v3/user/{userId}/account_data/{type}`
//!
//! Reads a piece of data of the whole account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype)

use rohrpost_core::{
    Result,
    personal::{account_data, own},
};
use ruma::{
    api::client::config::get_global_account_data::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn get_account_data(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let content = account_data::get(&server, &caller, None, request.event_type.to_string()).await?;
    Ok(Response::new(Raw::from_json_string(content)?))
}
