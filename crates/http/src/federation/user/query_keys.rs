//! `POST /_matrix/federation/v1/user/keys/query`
//!
//! The public keys of people who have an account here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery>

use rohrpost_core::{Refusal, encryption::for_servers};
use ruma::api::federation::keys::get_keys::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn query_keys(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let found = for_servers::query(&from.server, from.origin, request.device_keys).await?;
    let mut response = Response::new(found.devices);
    response.master_keys = found.master;
    response.self_signing_keys = found.self_signing;
    Ok(response)
}
