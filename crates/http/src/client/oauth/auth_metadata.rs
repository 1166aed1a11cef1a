//! `GET /_matrix/client/v1/auth_metadata`
//!
//! What OAuth 2.0 clients have to know of this server. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1auth_metadata)

use rohrpost_core::{Result, oauth::metadata};
use ruma::{
    api::client::discovery::get_authorization_server_metadata::v1::{Request, Response},
    serde::Raw,
};
use serde_json::value::to_raw_value;

use crate::call::Public;

pub(crate) async fn auth_metadata(Public { server, .. }: Public, _: Request) -> Result<Response> {
    let metadata = metadata::metadata(&server)?;
    Ok(Response::new(Raw::from_json(to_raw_value(&metadata)?)))
}
