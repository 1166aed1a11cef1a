//! `GET /_matrix/client/v3/rooms/{roomId}/members`
//!
//! Lists the members of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers)

use rohrpost_core::{
    Result,
    rooms::{
        members::{self, Wanted},
        messages::Page,
    },
};
use ruma::{
    api::client::membership::get_member_events::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn members(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = Wanted {
        membership: request.membership,
        not_membership: request.not_membership,
        at: Page::token(request.at.as_deref())?,
    };
    let events = members::list(&server, caller, request.room_id, wanted).await?;
    Ok(Response::new(events.into_iter().map(Raw::from_json).collect()))
}
