//! Reads an event with what stands around it.

use std::sync::Arc;

use rohrpost_room::Shape;
use rohrpost_store::StreamPos;
use ruma::{OwnedEventId, OwnedRoomId, api::client::filter::RoomEventFilter};
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    personal::ignored::Ignored,
    rooms::{access::Access, messages::senders, present::Viewer},
    sync::{filter::EventFilter, token::SyncToken},
};

/// Events on both sides together at most.
const MAX_LIMIT: u32 = 100;

/// An event and its neighbours.
pub struct Context {
    /// Where the older neighbours begin: go on backwards from here.
    pub start: SyncToken,
    /// Where the newer neighbours end: go on forwards from here.
    pub end: SyncToken,
    /// The event.
    pub event: Box<RawValue>,
    /// Older ones, newest first.
    pub before: Vec<Box<RawValue>>,
    /// Newer ones, oldest first.
    pub after: Vec<Box<RawValue>>,
    /// The state at the last of the events; with lazily loaded members only their senders' member events.
    pub state: Vec<Box<RawValue>>,
}

/// An event that the caller may see, with those of its neighbours that they may see.
///
/// # Errors
/// `NotFound`, whether there is no such room or event or the caller may not see it.
pub async fn get(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    limit: u32,
    filter: RoomEventFilter,
) -> Result<Context> {
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
                let room = head.room.nid;
                let user_id = &caller.user_id;
                let mut access = Access::of(tx, &head, user_id).await?;
                let row = tx.event_get(room, &event_id).await?;
                let row = row.ok_or_else(not_found)?;
                let pos = row.pos.ok_or_else(not_found)?;
                let seen = access.see(tx, &head, user_id, row).await?.ok_or_else(not_found)?;

                let each = limit.min(MAX_LIMIT) / 2;
                let wanted = EventFilter::of_room_events(&filter);
                let mut older = tx
                    .event_list_back(room, StreamPos(i64::MIN), StreamPos(pos.0 - 1), each)
                    .await?;
                let mut newer = tx
                    .event_list_forward(room, pos, head.room.last_pos, limit.min(MAX_LIMIT) - each)
                    .await?;
                let start = older.last().and_then(|row| row.pos).unwrap_or(pos).0 - 1;
                let end = newer.last().and_then(|row| row.pos).unwrap_or(pos);
                let ignored = Ignored::of(tx, user_id).await?;
                older.retain(|row| wanted.allows(row) && !ignored.hides(row));
                newer.retain(|row| wanted.allows(row) && !ignored.hides(row));
                let older = access.filter(tx, &head, user_id, older).await?;
                let newer = access.filter(tx, &head, user_id, newer).await?;

                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                let before = viewer.page(tx, &head, &mut access, &ignored, &older).await?;
                let after = viewer.page(tx, &head, &mut access, &ignored, &newer).await?;
                let last_state = newer
                    .last()
                    .map_or(seen.row.state_before, |seen| seen.row.state_before);
                let event = viewer
                    .page_of_one(tx, &head, &mut access, &ignored, &seen)
                    .await?;
                let state = if !filter.lazy_load_options.is_disabled() {
                    let mut all = newer;
                    all.extend(older);
                    all.push(seen);
                    senders(tx, &head, &viewer, &all, last_state).await?
                } else {
                    let nids = tx.state_full(last_state).await?;
                    let rows = tx.event_get_many(room, &nids).await?;
                    viewer.state(tx, &head, &rows).await?
                };
                Ok(Context {
                    start: SyncToken(StreamPos(start)),
                    end: SyncToken(end),
                    event,
                    before,
                    after,
                    state,
                })
            })
        })
        .await
}
