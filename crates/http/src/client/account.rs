//! Accounts: making, securing and closing them.

mod available;
mod deactivate;
mod openid_token;
mod password;
mod register;
mod third_party_ids;
mod token_validity;
mod whoami;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(register::register);
    routes.public(available::available);
    routes.public(token_validity::token_validity);
    routes.authed(whoami::whoami);
    routes.public(password::change_password);
    routes.authed(deactivate::deactivate);
    routes.authed(openid_token::openid_token);
    third_party_ids::routes(routes);
}
