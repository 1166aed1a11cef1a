//! What other servers look up: people and rooms by their names.

mod directory;
mod profile;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(profile::profile);
    routes.federation(directory::directory);
}
