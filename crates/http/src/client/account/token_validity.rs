//! `GET /_matrix/client/v1/register/m.login.registration_token/validity`
//!
//! Whether an invitation can be used. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity)

use rohrpost_core::{Result, accounts::invitations};
use ruma::api::client::account::check_registration_token_validity::v1::{Request, Response};

use crate::call::Public;

pub(crate) async fn token_validity(
    Public { server, call, .. }: Public,
    request: Request,
) -> Result<Response> {
    Ok(Response::new(
        invitations::ask_valid(&server, &request.token, call.address).await?,
    ))
}
