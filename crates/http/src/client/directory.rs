//! Finding rooms and people.

mod create_alias;
mod delete_alias;
mod get_alias;
mod get_aliases;
mod get_public_rooms;
mod get_visibility;
mod search_people;
mod search_public_rooms;
mod set_network_visibility;
mod set_visibility;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(create_alias::create_alias);
    routes.authed(delete_alias::delete_alias);
    routes.public(get_alias::get_alias);
    routes.authed(get_aliases::get_aliases);
    routes.authed(get_public_rooms::get_public_rooms);
    routes.public(get_visibility::get_visibility);
    routes.authed(search_people::search_people);
    routes.authed(search_public_rooms::search_public_rooms);
    routes.authed(set_visibility::set_visibility);
    routes.authed(set_network_visibility::set_network_visibility);
}
