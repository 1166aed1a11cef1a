//! `GET /_matrix/client/v1/rooms/{roomId}/threads`
//!
//! Lists the threads of a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads)

use rohrpost_core::{
    Result,
    rooms::{
        messages::Page,
        threads::{self as use_case, ThreadsPage},
    },
};
use ruma::{
    api::client::threads::get_threads::v1::{IncludeThreads, Request, Response},
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn threads(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let page = ThreadsPage {
        participated: request.include == IncludeThreads::Participated,
        from: Page::token(request.from.as_deref())?,
        limit: request.limit.and_then(|limit| usize::try_from(limit).ok()),
    };
    let found = use_case::list(&server, caller, request.room_id, page).await?;
    let mut response = Response::new(found.chunk.into_iter().map(Raw::from_json).collect());
    response.next_batch = found.next_batch.map(|token| token.to_string());
    Ok(response)
}
