//! The administrators' API: invitations, reports, notices; and making accounts by program.

mod close_report;
mod invite;
mod list_invitations;
mod list_reports;
mod register;
mod register_nonce;
mod send_notice;
mod withdraw_invitation;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.administrator(invite::invite);
    routes.administrator(list_invitations::list);
    routes.administrator(list_reports::list);
    routes.administrator(send_notice::send);
    routes.administrator(close_report::close);
    routes.administrator(withdraw_invitation::withdraw);
    routes.public(register_nonce::nonce);
    routes.public(register::register);
}
