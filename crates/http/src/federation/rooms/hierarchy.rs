//! `GET /_matrix/federation/v1/hierarchy/{roomId}`
//!
//! A space with what is in it, as far as people of the other server may know.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid>

use rohrpost_core::{Refusal, federation::rooms::hierarchy};
use ruma::{
    api::federation::space::{
        SpaceHierarchyParentSummary,
        get_hierarchy::v1::{Request, Response},
    },
    serde::Raw,
};

use crate::federation::receive::FromServer;

pub(crate) async fn hierarchy(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let (room_id, suggested_only) = (request.room_id, request.suggested_only);
    let space = hierarchy::get(&from.server, from.origin, room_id, suggested_only).await?;
    let children_state = space.children_state.into_iter().map(Raw::from_json).collect();
    let mut response = Response::new(SpaceHierarchyParentSummary::new(space.room, children_state));
    response.children = space.children;
    response.inaccessible_children = space.inaccessible;
    Ok(response)
}
