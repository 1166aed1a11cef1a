//! `GET /_matrix/client/v3/login`
//!
//! The ways to sign in. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)

use rohrpost_core::Result;
use ruma::api::client::session::get_login_types::v3::{
    ApplicationServiceLoginType, LoginType, PasswordLoginType, Request, Response, TokenLoginType,
};

use crate::call::Public;

pub(crate) async fn login_flows(Public { server, .. }: Public, _: Request) -> Result<Response> {
    let mut by_token = TokenLoginType::new();
    by_token.get_login_token = true;
    let mut flows = match server.settings.legacy_login {
        true => vec![
            LoginType::Password(PasswordLoginType::new()),
            LoginType::Token(by_token),
        ],
        false => Vec::new(),
    };
    if !server.settings.appservices.is_empty() {
        flows.push(LoginType::ApplicationService(ApplicationServiceLoginType::new()));
    }
    Ok(Response::new(flows))
}
