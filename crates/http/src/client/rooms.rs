//! Rooms: making them, being in them, reading and writing their events.

mod ban;
mod context;
mod create_room;
mod event;
mod forget;
mod hierarchy;
mod invite;
mod join;
mod join_by_alias;
mod joined_members;
mod joined_rooms;
mod kick;
mod knock;
mod leave;
mod members;
mod messages;
mod mutual_rooms;
mod redact;
mod relations;
mod relations_by_event_type;
mod relations_by_rel_type;
mod send;
mod set_state;
mod state;
mod state_event;
mod summary;
mod threads;
mod timestamp_to_event;
mod unban;
mod upgrade;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(create_room::create_room);
    routes.authed(joined_rooms::joined_rooms);
    routes.authed(join::join);
    routes.authed(join_by_alias::join_by_alias);
    routes.authed(knock::knock);
    routes.authed(leave::leave);
    routes.authed(forget::forget);
    routes.authed(invite::invite);
    routes.authed(kick::kick);
    routes.authed(ban::ban);
    routes.authed(unban::unban);
    routes.authed(members::members);
    routes.authed(joined_members::joined_members);
    routes.authed(send::send);
    routes.authed(redact::redact);
    routes.authed(set_state::set_state);
    routes.authed(state::state);
    routes.authed(state_event::state_event);
    routes.authed(messages::messages);
    routes.authed(context::context);
    routes.authed(event::event);
    routes.authed(upgrade::upgrade);
    routes.authed(mutual_rooms::mutual_rooms);
    routes.authed(mutual_rooms::before_it_was_stable);
    routes.authed(summary::summary);
    routes.authed(hierarchy::hierarchy);
    routes.authed(relations::relations);
    routes.authed(relations_by_rel_type::relations_by_rel_type);
    routes.authed(relations_by_event_type::relations_by_event_type);
    routes.authed(threads::threads);
    routes.authed(timestamp_to_event::timestamp_to_event);
}
