//! `GET /_matrix/client/v1/rooms/{roomId}/hierarchy`
//!
//! The rooms of a space. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy)

use rohrpost_core::{
    Result,
    rooms::hierarchy::{self, Hierarchy},
};
use ruma::{
    api::client::space::{
        SpaceHierarchyRoomsChunk,
        get_hierarchy::v1::{Request, Response},
    },
    serde::Raw,
};

use crate::call::Authed;

pub(crate) async fn hierarchy(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = Hierarchy {
        caller,
        room_id: request.room_id,
        from: request.from,
        limit: request.limit.map(Into::into),
        max_depth: request.max_depth.map(Into::into),
        suggested_only: request.suggested_only,
    };
    let page = hierarchy::get(&server, wanted).await?;
    let mut response = Response::new();
    response.next_batch = page.next;
    let rooms = page.rooms.into_iter();
    response.rooms = rooms
        .map(|room| {
            let children = room.children.into_iter().map(Raw::from_json).collect();
            SpaceHierarchyRoomsChunk::new(room.summary, children)
        })
        .collect();
    Ok(response)
}
