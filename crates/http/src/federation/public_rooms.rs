//! `GET` and `POST /_matrix/federation/v1/publicRooms`
//!
//! The rooms that this server lists, for people of others.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#published-room-directory>

use rohrpost_core::{
    Refusal,
    directory::public_rooms::{self, Page, PublicRooms},
};
use ruma::{
    UInt,
    api::federation::directory::{get_public_rooms, get_public_rooms_filtered},
};

use super::receive::FromServer;
use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation(list);
    routes.federation(search);
}

/// `ruma` has this answer twice, once for each endpoint.
macro_rules! answer {
    ($endpoint:ident, $page:expr) => {{
        let Page {
            rooms,
            next,
            prev,
            total,
        } = $page;
        let mut response = $endpoint::v1::Response::new();
        response.chunk = rooms;
        response.next_batch = next;
        response.prev_batch = prev;
        response.total_room_count_estimate = Some(UInt::new_saturating(total));
        response
    }};
}

async fn list(
    from: FromServer,
    request: get_public_rooms::v1::Request,
) -> Result<get_public_rooms::v1::Response, Refusal> {
    let wanted = PublicRooms {
        limit: request.limit.map(Into::into),
        since: request.since,
        network: request.room_network,
        ..Default::default()
    };
    let page = public_rooms::list(&from.server, wanted).await?;
    Ok(answer!(get_public_rooms, page))
}

async fn search(
    from: FromServer,
    request: get_public_rooms_filtered::v1::Request,
) -> Result<get_public_rooms_filtered::v1::Response, Refusal> {
    let wanted = PublicRooms {
        server: None,
        limit: request.limit.map(Into::into),
        since: request.since,
        filter: request.filter,
        network: request.room_network,
    };
    let page = public_rooms::list(&from.server, wanted).await?;
    Ok(answer!(get_public_rooms_filtered, page))
}
