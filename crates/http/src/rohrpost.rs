//! Our own endpoints: what the web client asks beyond the specification, and the page behind links in mail.

mod about;
mod account;
pub(crate) mod confirm_email;
mod login;
pub(crate) mod own;
mod roster;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(about::about);
    routes.public(login::login);
    routes.authed(account::account);
    routes.authed(roster::roster);
}
