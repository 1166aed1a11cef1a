//! `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}`
//!
//! Lists the events that relate to an event in one way and are of one type. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype)

use rohrpost_core::{
    Result,
    rooms::{
        messages::Page,
        relations::{self as use_case, RelationsPage},
    },
};
use ruma::{
    UInt,
    api::client::relations::get_relating_events_with_rel_type_and_event_type::v1::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn relations_by_event_type(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let page = RelationsPage {
        event_id: request.event_id,
        rel_type: request.rel_type.to_string(),
        kind: request.event_type.to_string(),
        recurse: request.recurse,
        from: Page::token(request.from.as_deref())?,
        to: Page::token(request.to.as_deref())?,
        direction: request.dir,
        limit: request.limit.and_then(|limit| usize::try_from(limit).ok()),
    };
    let found = use_case::list(&server, caller, request.room_id, page).await?;
    let mut response = Response::new(found.chunk.into_iter().map(Raw::from_json).collect());
    response.next_batch = found.next_batch.map(|token| token.to_string());
    response.prev_batch = found.prev_batch.map(|token| token.to_string());
    response.recursion_depth = found.recursion_depth.map(UInt::from);
    Ok(response)
}
