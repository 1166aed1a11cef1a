//! `GET /_matrix/client/v3/rooms/{roomId}/initialSync`
//!
//! A room at a glance, for those who look into it before they join. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync)

use rohrpost_core::{Result, rooms::initial_sync as use_case, sync::PlainEvent};
use ruma::{
    api::client::peeking::get_current_state::v3::{PaginationChunk, Request, Response},
    serde::Raw,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::call::Authed;

pub(crate) async fn initial_sync(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let room = use_case::get(&server, caller, request.room_id.clone()).await?;
    let events = room.events.into_iter().map(Raw::from_json).collect();
    let mut messages = PaginationChunk::new(events, room.end.to_string());
    messages.start = room.start.map(|start| start.to_string());
    let mut response = Response::new(request.room_id);
    response.membership = room.membership;
    response.messages = Some(messages);
    response.state = room.state.into_iter().map(Raw::from_json).collect();
    response.visibility = Some(room.visibility);
    let account_data = room
        .account_data
        .iter()
        .map(|data| event(data).map(Raw::from_json));
    response.account_data = account_data.collect::<Result<_>>()?;
    Ok(response)
}

fn event(data: &PlainEvent) -> Result<Box<RawValue>> {
    let content: &RawValue = serde_json::from_str(&data.content)?;
    Ok(to_raw_value(
        &serde_json::json!({ "type": data.kind, "content": content }),
    )?)
}
