//! Events that are sent later unless somebody stops them.
//!
//! [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140), under its unstable names.

mod act;
pub(super) mod delay;
mod get;
mod list;
mod schedule;
mod update;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(schedule::schedule);
    routes.authed(list::list);
    routes.authed(get::get);
    routes.public(update::update);
    routes.public(act::act);
}
