//! Takes the knock of a user of another server.

use std::sync::Arc;

use ruma::events::room::member::MembershipState;
use serde_json::value::RawValue;

pub use super::handed::Handover;
use super::{handed, no_such_room, take::take};
use crate::{Result, Server, federation::rooms::reader::raw, rooms::outside_state::outside_state};

/// Somebody of another server wants to be let in. Answers what they may know of the room, as whole events.
///
/// # Errors
/// `NotFound`, `InvalidParam`, `BadJson`, `Forbidden`: nothing was kept.
///
/// # Spec
/// [`PUT /send_knock`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_knockroomideventid)
pub async fn take_knock(server: &Arc<Server>, handover: Handover) -> Result<Vec<Box<RawValue>>> {
    let event = handed::check(server, &handover, MembershipState::Knock).await?;
    let room_id = handover.room_id;
    take(server, handover.origin, event).await?;
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let room = tx.room_get(&room_id).await?.ok_or_else(no_such_room)?;
                let rows = outside_state(tx, room.nid, &[]).await?;
                rows.into_iter().map(raw).collect()
            })
        })
        .await
}
