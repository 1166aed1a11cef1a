//! Signing in with a QR code: where two devices leave each other notes. In the form of MSC4108, with tags in headers, and
//! in that of MSC4388, in JSON.

mod create;
mod create_json;
mod delete;
mod delete_json;
mod discover;
mod get;
mod get_json;
mod headers;
mod update;
mod update_json;

use http::Method;

use crate::routes::{Access, Routes};

const PATH: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const NOTE: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous/{id}";
const JSON_PATH: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";
const JSON_NOTE: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous/{id}";

pub(crate) fn routes(routes: &mut Routes) {
    routes.raw(Method::POST, PATH, Access::Public, create::create);
    routes.raw(Method::GET, NOTE, Access::Public, get::get);
    routes.raw(Method::PUT, NOTE, Access::Public, update::update);
    routes.raw(Method::DELETE, NOTE, Access::Public, delete::delete);
    routes.public(discover::discover);
    routes.public(create_json::create);
    routes.public(get_json::get);
    routes.raw(Method::PUT, JSON_NOTE, Access::Public, update_json::update);
    routes.public(delete_json::delete);
}
