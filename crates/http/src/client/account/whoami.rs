//! `GET /_matrix/client/v3/account/whoami`
//!
//! Whose access token this is. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami)

use rohrpost_core::Result;
use ruma::api::client::account::whoami::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn whoami(Authed { caller, .. }: Authed, _: Request) -> Result<Response> {
    let device_id = caller.device().map(ToOwned::to_owned);
    let mut response = Response::new(caller.user_id, caller.guest);
    response.device_id = device_id;
    Ok(response)
}
