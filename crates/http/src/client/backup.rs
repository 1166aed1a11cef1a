//! Key backups: versions, and the keys in them.

mod algorithm;
mod create_version;
mod delete_keys;
mod delete_room_keys;
mod delete_session_key;
mod delete_version;
mod get_keys;
mod get_room_keys;
mod get_session_key;
mod get_version;
mod latest_version;
mod put_keys;
mod put_room_keys;
mod put_session_key;
mod update_version;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(create_version::create_version);
    routes.authed(latest_version::latest_version);
    routes.authed(get_version::get_version);
    routes.authed(update_version::update_version);
    routes.authed(delete_version::delete_version);
    routes.authed(put_keys::put_keys);
    routes.authed(put_room_keys::put_room_keys);
    routes.authed(put_session_key::put_session_key);
    routes.authed(get_keys::get_keys);
    routes.authed(get_room_keys::get_room_keys);
    routes.authed(get_session_key::get_session_key);
    routes.authed(delete_keys::delete_keys);
    routes.authed(delete_room_keys::delete_room_keys);
    routes.authed(delete_session_key::delete_session_key);
}
