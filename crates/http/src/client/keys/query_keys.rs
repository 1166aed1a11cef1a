//! `POST /_matrix/client/v3/keys/query`
//!
//! Answers the devices and identities of users.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery)

use rohrpost_core::{
    Result,
    encryption::query_keys::{self, QueryKeys},
};
use ruma::api::client::keys::get_keys::v3::{Request, Response};

use super::failures::told;
use crate::call::Authed;

pub(crate) async fn query_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let (found, failures) = query_keys::query_keys(
        &server,
        QueryKeys {
            caller,
            wanted: request.device_keys,
            patience: request.timeout,
        },
    )
    .await?;
    let mut response = Response::new();
    response.failures = told(failures);
    response.device_keys = found.devices;
    response.master_keys = found.master;
    response.self_signing_keys = found.self_signing;
    response.user_signing_keys = found.user_signing;
    Ok(response)
}
