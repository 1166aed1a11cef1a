//! Reads one event.

use std::sync::Arc;

use rohrpost_room::Shape;
use ruma::{OwnedEventId, OwnedRoomId};
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    personal::ignored::Ignored,
    rooms::{access::Access, present::Viewer},
};

/// One event, in the client format.
///
/// # Errors
/// `NotFound`, whether there is no such room or event or the caller may not see it.
pub async fn get(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
) -> Result<Box<RawValue>> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    let not_found = || Refusal::not_found("this event was");
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let head = match server_.heads.read(tx, &room_id).await {
                    Err(Refusal::Forbidden(_)) => return Err(not_found()),
                    head => head?,
                };
                let mut access = Access::of(tx, &head, &caller.user_id).await?;
                let row = tx.event_get(head.room.nid, &event_id).await?;
                let row = row.filter(|row| row.pos.is_some()).ok_or_else(not_found)?;
                let seen = access
                    .see(tx, &head, &caller.user_id, row)
                    .await?
                    .ok_or_else(not_found)?;
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                let ignored = Ignored::of(tx, &caller.user_id).await?;
                viewer.page_of_one(tx, &head, &mut access, &ignored, &seen).await
            })
        })
        .await
}
