//! `POST /_matrix/client/v3/account/3pid/add`
//!
//! Adds an address that was shown to be one's own; it wants the password first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidadd)

use rohrpost_core::{
    Result,
    accounts::uia::{self, UiaRequest},
    email::addresses,
};
use ruma::api::client::account::add_3pid::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn add(Authed { server, caller, call }: Authed, request: Request) -> Result<Response> {
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require(&server, confirm).await?;
    let (sid, secret) = (request.sid.to_string(), request.client_secret.to_string());
    addresses::add(&server, caller, sid, secret, proof).await?;
    Ok(Response::new())
}
