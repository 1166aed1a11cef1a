//! A room at a glance, for those who look into it before they join: its state, its newest events, and what the caller
//! keeps about it.

use std::sync::Arc;

use rohrpost_room::Shape;
use ruma::{
    OwnedRoomId,
    api::{
        Direction,
        client::{filter::RoomEventFilter, room::Visibility},
    },
    events::room::member::MembershipState,
};
use serde_json::value::RawValue;

use crate::{
    Caller, Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::Access,
        messages::{Page, collect},
        present::Viewer,
        state::rows,
    },
    sync::{PlainEvent, token::SyncToken},
};

/// Events of the timeline.
const EVENTS: usize = 20;

/// A room as it is, or as it was when the caller left it.
pub struct Snapshot {
    /// How the caller stands to it. `None`: not at all.
    pub membership: Option<MembershipState>,
    /// Before the first event. `None`: there is nothing before it.
    pub start: Option<SyncToken>,
    /// Behind the last event.
    pub end: SyncToken,
    /// The newest events that the caller may see, oldest first.
    pub events: Vec<Box<RawValue>>,
    /// The state that the caller may read.
    pub state: Vec<Box<RawValue>>,
    /// Whether it is listed.
    pub visibility: Visibility,
    /// What the caller keeps about it.
    pub account_data: Vec<PlainEvent>,
}

/// A room that the caller may read.
///
/// # Errors
/// `Forbidden` for rooms that the caller may not read, in the same words as for rooms that don't exist.
///
/// # Spec
/// [Room previews](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync)
pub async fn get(server: &Arc<Server>, caller: Caller, room_id: OwnedRoomId) -> Result<Snapshot> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let mut access = Access::of(tx, &head, &caller.user_id).await?;
                let readable = access.state(tx, &mut head).await?;
                let ignored = Ignored::of(tx, &caller.user_id).await?;
                let page = Page {
                    from: None,
                    to: None,
                    direction: Direction::Backward,
                    limit: EVENTS,
                    filter: RoomEventFilter::default(),
                };
                let (end, start, mut seen) =
                    collect(tx, &head, &mut access, &caller, &ignored, &page).await?;
                seen.reverse();
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                let state = rows(tx, &head, &readable, |_| true).await?;
                let data = tx.account_data_list_in(&caller.user_id, head.room.nid).await?;
                let data = data.into_iter().map(|data| PlainEvent {
                    kind: data.kind,
                    content: data.content,
                });
                Ok(Snapshot {
                    membership: access.member.as_ref().map(|member| member.membership.clone()),
                    start,
                    end,
                    events: viewer.page(tx, &head, &mut access, &ignored, &seen).await?,
                    state: viewer.state(tx, &head, &state).await?,
                    visibility: match head.room.is_public {
                        true => Visibility::Public,
                        false => Visibility::Private,
                    },
                    account_data: data.collect(),
                })
            })
        })
        .await
}
