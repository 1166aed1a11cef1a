//! `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`
//!
//! Reads an event with what stands around it. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid)

use rohrpost_core::{Result, rooms::context as use_case};
use ruma::{
    api::client::context::get_context::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn context(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let limit = u32::try_from(request.limit).unwrap_or(u32::MAX);
    let found = use_case::get(
        &server,
        caller,
        request.room_id,
        request.event_id,
        limit,
        request.filter,
    )
    .await?;
    let mut response = Response::new();
    response.start = Some(found.start.to_string());
    response.end = Some(found.end.to_string());
    response.event = Some(Raw::from_json(found.event));
    response.events_before = found.before.into_iter().map(Raw::from_json).collect();
    response.events_after = found.after.into_iter().map(Raw::from_json).collect();
    response.state = found.state.into_iter().map(Raw::from_json).collect();
    Ok(response)
}
