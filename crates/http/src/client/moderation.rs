//! What administrators may do with accounts, in the specification's words.

mod is_user_locked;
mod is_user_suspended;
mod lock_user;
mod suspend_user;
mod whois;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.administrator(is_user_locked::is_user_locked);
    routes.administrator(lock_user::lock_user);
    routes.administrator(is_user_suspended::is_user_suspended);
    routes.administrator(suspend_user::suspend_user);
    routes.authed(whois::whois);
}
