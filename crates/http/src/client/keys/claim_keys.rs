//! `POST /_matrix/client/v3/keys/claim`
//!
//! Hands out one-time keys.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim)

use rohrpost_core::{
    Result,
    encryption::claim_keys::{self, ClaimKeys},
};
use ruma::api::client::keys::claim_keys::v3::{Request, Response};

use super::failures::told;
use crate::call::Authed;

pub(crate) async fn claim_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let claim = ClaimKeys {
        caller,
        wanted: request.one_time_keys,
        patience: request.timeout,
    };
    let (claimed, failures) = claim_keys::claim_keys(&server, claim).await?;
    let mut response = Response::new(claimed);
    response.failures = told(failures);
    Ok(response)
}
