//! `GET /_matrix/client/v3/thirdparty/protocols` and everything else about networks that bridges lead to.
//!
//! The bridges are asked. [Specification](https://spec.matrix.org/v1.19/client-server-api/#third-party-networks)

use rohrpost_core::appservices::third_party::{self, Fields};
use ruma::api::client::thirdparty::{
    get_location_for_protocol, get_location_for_room_alias, get_protocol, get_protocols,
    get_user_for_protocol, get_user_for_user_id,
};

use crate::{call::Authed, routes::Routes};

/// The fields of a search, without what a request's query says about who asks: that isn't for bridges.
fn fields(mut query: Fields) -> Fields {
    for name in [
        "access_token",
        "user_id",
        "device_id",
        "org.matrix.msc3202.device_id",
    ] {
        query.remove(name);
    }
    query
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(async |Authed { server, .. }, _: get_protocols::v3::Request| {
        let protocols = third_party::protocols(&server).await?;
        Ok(get_protocols::v3::Response::new(protocols))
    });
    routes.authed(
        async |Authed { server, .. }, request: get_protocol::v3::Request| {
            let protocol = third_party::protocol(&server, &request.protocol).await?;
            Ok(get_protocol::v3::Response::new(protocol))
        },
    );
    routes.authed(
        async |Authed { server, .. }, request: get_location_for_protocol::v3::Request| {
            let fields = fields(request.fields);
            let found = third_party::locations(&server, &request.protocol, &fields).await?;
            Ok(get_location_for_protocol::v3::Response::new(found))
        },
    );
    routes.authed(
        async |Authed { server, .. }, request: get_user_for_protocol::v3::Request| {
            let fields = fields(request.fields);
            let found = third_party::users(&server, &request.protocol, &fields).await?;
            Ok(get_user_for_protocol::v3::Response::new(found))
        },
    );
    routes.authed(
        async |Authed { server, .. }, request: get_location_for_room_alias::v3::Request| {
            let found = third_party::locations_of(&server, &request.alias).await?;
            Ok(get_location_for_room_alias::v3::Response::new(found))
        },
    );
    routes.authed(
        async |Authed { server, .. }, request: get_user_for_user_id::v3::Request| {
            let found = third_party::users_of(&server, &request.userid).await?;
            Ok(get_user_for_user_id::v3::Response::new(found))
        },
    );
}
