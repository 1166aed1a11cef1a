//! Our own endpoints: what the web client asks beyond the specification.

mod about;
mod account;
mod login;
pub(crate) mod own;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(about::about);
    routes.public(login::login);
    routes.authed(account::account);
}
