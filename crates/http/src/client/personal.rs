//! What people keep for themselves: account data, tags, filters; receipts, typing, presence.

mod create_filter;
mod create_receipt;
mod create_tag;
mod delete_tag;
mod get_account_data;
mod get_filter;
mod get_presence;
mod get_room_account_data;
mod get_tags;
mod set_account_data;
mod set_presence;
mod set_read_marker;
mod set_room_account_data;
mod set_typing;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(create_filter::create_filter);
    routes.authed(create_receipt::create_receipt);
    routes.authed(create_tag::create_tag);
    routes.authed(delete_tag::delete_tag);
    routes.authed(get_account_data::get_account_data);
    routes.authed(get_filter::get_filter);
    routes.authed(get_presence::get_presence);
    routes.authed(get_room_account_data::get_room_account_data);
    routes.authed(get_tags::get_tags);
    routes.authed(set_account_data::set_account_data);
    routes.authed(set_presence::set_presence);
    routes.authed(set_read_marker::set_read_marker);
    routes.authed(set_room_account_data::set_room_account_data);
    routes.authed(set_typing::set_typing);
}
