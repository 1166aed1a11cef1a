//! `GET /_matrix/client/v3/rooms/{roomId}/messages`
//!
//! Reads a page of a room's history. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages)

use rohrpost_core::{
    Result,
    rooms::messages::{self as use_case, Page},
};
use ruma::{
    api::client::message::get_message_events::v3::{Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn messages(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let page = Page {
        from: Page::token(request.from.as_deref())?,
        to: Page::token(request.to.as_deref())?,
        direction: request.dir,
        limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
        filter: request.filter,
    };
    let found = use_case::list(&server, caller, request.room_id, page).await?;
    let mut response = Response::new();
    response.start = found.start.to_string();
    response.end = found.end.map(|end| end.to_string());
    response.chunk = found.chunk.into_iter().map(Raw::from_json).collect();
    response.state = found.state.into_iter().map(Raw::from_json).collect();
    Ok(response)
}
