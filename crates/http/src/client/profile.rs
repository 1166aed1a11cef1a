//! Names and pictures of people.

mod delete_field;
mod get;
mod get_field;
mod set_field;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(get::get);
    routes.public(get_field::get_field);
    routes.authed(set_field::set_field);
    routes.authed(delete_field::delete_field);
}
