//! `GET /_matrix/client/v3/thirdparty/protocols` and everything else about networks that bridges lead to.
//!
//! There are none as long as there are no bridges. [Specification](https://spec.matrix.org/v1.19/client-server-api/#third-party-networks)

use std::collections::BTreeMap;

use rohrpost_core::{Refusal, Result};
use ruma::api::client::thirdparty::{
    get_location_for_protocol, get_location_for_room_alias, get_protocol, get_protocols,
    get_user_for_protocol, get_user_for_user_id,
};

use crate::{call::Authed, routes::Routes};

fn no_network<T>() -> Result<T> {
    Err(Refusal::not_found("a network of this name was"))
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(async |_: Authed, _: get_protocols::v3::Request| {
        Ok(get_protocols::v3::Response::new(BTreeMap::new()))
    });
    routes.authed(async |_: Authed, _: get_protocol::v3::Request| no_network::<get_protocol::v3::Response>());
    routes.authed(async |_: Authed, _: get_location_for_protocol::v3::Request| {
        no_network::<get_location_for_protocol::v3::Response>()
    });
    routes.authed(async |_: Authed, _: get_user_for_protocol::v3::Request| {
        no_network::<get_user_for_protocol::v3::Response>()
    });
    routes.authed(async |_: Authed, _: get_location_for_room_alias::v3::Request| {
        no_network::<get_location_for_room_alias::v3::Response>()
    });
    routes.authed(async |_: Authed, _: get_user_for_user_id::v3::Request| {
        no_network::<get_user_for_user_id::v3::Response>()
    });
}
