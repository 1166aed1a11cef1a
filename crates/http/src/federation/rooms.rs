//! What other servers read of rooms that they are in.

mod backfill;
mod event;
mod event_auth;
mod get_missing_events;
mod hierarchy;
mod state;
mod state_ids;
mod timestamp_to_event;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(event::event);
    routes.federation(state::state);
    routes.federation(state_ids::state_ids);
    routes.federation(event_auth::event_auth);
    routes.federation(backfill::backfill);
    routes.federation(get_missing_events::get_missing_events);
    routes.federation(timestamp_to_event::timestamp_to_event);
    routes.federation(hierarchy::hierarchy);
}
