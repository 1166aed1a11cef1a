//! `GET /_matrix/client/v3/login/sso/redirect[/{idpId}]`
//!
//! Sends somebody's browser to the sign-in page of this server. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect)

use rohrpost_core::{
    Result, Server,
    oauth::sso::{self, Action},
};
use ruma::api::client::session::{SsoRedirectAction, sso_login, sso_login_with_provider};

use crate::call::Public;

pub(crate) async fn redirect(
    Public { server, .. }: Public,
    request: sso_login::v3::Request,
) -> Result<sso_login::v3::Response> {
    let page = page(&server, None, &request.redirect_url, request.action)?;
    Ok(sso_login::v3::Response::new(page))
}

pub(crate) async fn redirect_to_provider(
    Public { server, .. }: Public,
    request: sso_login_with_provider::v3::Request,
) -> Result<sso_login_with_provider::v3::Response> {
    let page = page(
        &server,
        Some(&request.idp_id),
        &request.redirect_url,
        request.action,
    )?;
    Ok(sso_login_with_provider::v3::Response::new(page))
}

fn page(
    server: &Server,
    provider: Option<&str>,
    redirect_url: &str,
    action: Option<SsoRedirectAction>,
) -> Result<String> {
    let action = match action {
        Some(SsoRedirectAction::Register) => Action::Register,
        _ => Action::Login,
    };
    sso::page_url(server, provider, redirect_url, action)
}
