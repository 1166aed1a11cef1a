//! `GET /_matrix/client/v3/publicRooms`
//!
//! Lists public rooms. Other than in the specification, an access token is needed: what an authority talks about is not for everybody. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms)

use rohrpost_core::{
    Result,
    directory::public_rooms::{self, PublicRooms},
};
use ruma::{
    UInt,
    api::client::directory::get_public_rooms::v3::{Request, Response},
};

use crate::call::Authed;

pub(crate) async fn get_public_rooms(Authed { server, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = PublicRooms {
        server: request.server,
        limit: request.limit.map(Into::into),
        since: request.since,
        ..Default::default()
    };
    let page = public_rooms::list(&server, wanted).await?;
    let mut response = Response::new(page.rooms);
    response.next_batch = page.next;
    response.prev_batch = page.prev;
    response.total_room_count_estimate = Some(UInt::new_saturating(page.total));
    Ok(response)
}
