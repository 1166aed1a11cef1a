//! `POST /_matrix/client/v1/login/get_token`
//!
//! Makes a token by which one more device can sign in; it wants the password first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token)

use rohrpost_core::{
    Refusal, Result,
    accounts::{
        login_token,
        uia::{self, UiaRequest},
    },
};
use ruma::api::client::session::get_login_token::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_login_token(
    Authed { server, caller, call }: Authed,
    request: Request,
) -> Result<Response> {
    if !server.settings.legacy_login {
        return Err(Refusal::Forbidden(
            "this server lets further devices in over its own pages (OAuth 2.0)".to_owned(),
        ));
    }
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require(&server, confirm).await?;
    let token = login_token::make(&server, &caller, proof).await?;
    Ok(Response::new(login_token::LIFETIME, token))
}
