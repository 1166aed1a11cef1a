//! `GET /_matrix/client/v3/login`
//!
//! The ways to sign in. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)

use rohrpost_core::Result;
use ruma::api::client::session::get_login_types::v3::{LoginType, PasswordLoginType, Request, Response};

use crate::call::Public;

pub(crate) async fn login_flows(Public { server, .. }: Public, _: Request) -> Result<Response> {
    let password = LoginType::Password(PasswordLoginType::new());
    let flows = server.settings.legacy_login.then_some(password);
    Ok(Response::new(flows.into_iter().collect()))
}
