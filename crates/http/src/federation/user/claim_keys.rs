//! `POST /_matrix/federation/v1/user/keys/claim`
//!
//! Hands out one-time keys of people who have an account here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim>

use rohrpost_core::{Refusal, encryption::for_servers};
use ruma::api::federation::keys::claim_keys::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn claim_keys(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let claimed = for_servers::claim(&from.server, from.origin, request.one_time_keys).await?;
    Ok(Response::new(claimed))
}
