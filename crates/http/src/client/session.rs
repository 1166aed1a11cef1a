//! Signing in and out.

mod get_login_token;
mod login;
mod login_flows;
mod logout;
mod logout_all;
mod refresh;
mod sso_redirect;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(login_flows::login_flows);
    routes.public(login::login);
    routes.public(sso_redirect::redirect);
    routes.public(sso_redirect::redirect_to_provider);
    routes.public(refresh::refresh);
    routes.authed(get_login_token::get_login_token);
    routes.authed(logout::logout);
    routes.authed(logout_all::logout_all);
}
