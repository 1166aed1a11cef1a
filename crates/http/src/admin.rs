//! The administrators' API: invitations; and making accounts by program.

mod invite;
mod list_invitations;
mod register;
mod register_nonce;
mod withdraw_invitation;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.administrator(invite::invite);
    routes.administrator(list_invitations::list);
    routes.administrator(withdraw_invitation::withdraw);
    routes.public(register_nonce::nonce);
    routes.public(register::register);
}
