//! The rooms that other servers list.

use std::sync::Arc;

use ruma::{OwnedServerName, UInt, api::federation::directory::get_public_rooms_filtered::v1::Request};

use crate::{
    Result, Server,
    directory::public_rooms::{MAX_ROOMS, Page, PublicRooms},
};

/// Asks another server for a part of its list.
///
/// # Errors
/// `Forbidden` for a server that isn't spoken with; `Elsewhere` when it doesn't answer.
pub(crate) async fn fetch(server: &Arc<Server>, other: OwnedServerName, wanted: PublicRooms) -> Result<Page> {
    let mut request = Request::new();
    let most = MAX_ROOMS as u64;
    request.limit = Some(UInt::new_saturating(wanted.limit.unwrap_or(most).clamp(1, most)));
    request.since = wanted.since;
    request.filter = wanted.filter;
    request.room_network = wanted.network;
    let answer = server.ask(&other, request).await?;
    let mut rooms = answer.chunk;
    rooms.truncate(MAX_ROOMS);
    Ok(Page {
        total: answer
            .total_room_count_estimate
            .map_or(rooms.len() as u64, Into::into),
        rooms,
        next: answer.next_batch,
        prev: answer.prev_batch,
    })
}
