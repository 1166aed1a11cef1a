//! OAuth 2.0: what programs ask, and what the server's own pages ask.
//!
//! The pages themselves, `/oauth2/authorize`, `/oauth2/link` and `/account`, are places inside the web client.

mod account;
mod allow_identity_reset;
mod allow_sso;
mod auth_metadata;
mod authorize;
mod check_authorization;
mod check_link;
mod check_sso;
mod close_account;
mod device;
mod form;
mod link;
mod register;
mod rename;
mod revoke;
mod sign_in;
mod sign_out;
mod sign_out_device;
mod token;

use http::Method;

use crate::routes::{Access, Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(auth_metadata::auth_metadata);
    routes.raw(
        Method::POST,
        "/oauth2/register",
        Access::Public,
        register::register,
    );
    routes.raw(Method::POST, "/oauth2/token", Access::Public, token::token);
    routes.raw(Method::POST, "/oauth2/revoke", Access::Public, revoke::revoke);
    routes.raw(Method::POST, "/oauth2/device", Access::Public, device::device);
    // Whoever is signed in to the pages shows it in the body, not with an access token.
    routes.public(sign_in::sign_in);
    routes.public(sign_out::sign_out);
    routes.public(check_authorization::check_authorization);
    routes.public(authorize::authorize);
    routes.public(check_sso::check_sso);
    routes.public(allow_sso::allow_sso);
    routes.public(check_link::check_link);
    routes.public(link::link);
    routes.public(account::account);
    routes.public(rename::rename);
    routes.public(sign_out_device::sign_out_device);
    routes.public(close_account::close_account);
    routes.public(allow_identity_reset::allow_identity_reset);
}
