//! Lists what a user was notified about.
//!
//! Nothing is kept for it: the push rules are tried again on the newest events, as for the unread counts.

use std::sync::Arc;

use rohrpost_room::Shape;
use rohrpost_store::{EventRow, MemberRow, StreamPos, Tx};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedRoomId, events::room::member::MembershipState, push::Action};
use serde_json::value::RawValue;

use crate::{
    Caller, Result, Server,
    rooms::{
        head::{Head, pdu},
        present::Viewer,
        relation::relation,
    },
    sync::{
        token::SyncToken,
        unread::{Marks, Reader},
    },
};

/// Rooms that are looked at: those where something happened last.
const MAX_ROOMS: u32 = 100;
/// Events of one room that are looked at in one round.
const BATCH: u32 = 20;
/// Rounds for one answer.
const MAX_ROUNDS: usize = 5;
/// Notifications of one answer when nobody says how many.
const DEFAULT_PAGE: usize = 20;
/// Notifications of one answer at most.
const MAX_PAGE: usize = 100;

/// The page that is wanted.
pub struct NotificationsPage {
    /// Where it begins; `None`: at the newest.
    pub from: Option<SyncToken>,
    /// How many at most.
    pub limit: Option<usize>,
    /// Only those with emphasis.
    pub only_highlights: bool,
}

/// A page of notifications, newest first.
pub struct Notifications {
    /// The notifications.
    pub list: Vec<Notification>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next: Option<SyncToken>,
}

/// Something that a user was notified about.
pub struct Notification {
    /// What the push rules said was to be done.
    pub actions: Vec<Action>,
    /// The event.
    pub event: Box<RawValue>,
    /// Whether the user read it.
    pub is_read: bool,
    /// The room.
    pub room_id: OwnedRoomId,
    /// When it was sent.
    pub ts: MilliSecondsSinceUnixEpoch,
}

/// An event that notifies.
struct Found {
    room: usize,
    row: EventRow,
    pos: StreamPos,
    actions: Vec<Action>,
    is_read: bool,
}

struct Room {
    head: Head,
    member: MemberRow,
    marks: Marks,
}

/// A page of what the caller was or would have been notified about, in the rooms where something happened last.
///
/// # Errors
/// Those of the store.
///
/// # Spec
/// [Listing notifications](https://spec.matrix.org/v1.19/client-server-api/#listing-notifications)
pub async fn list(server: &Arc<Server>, caller: Caller, page: NotificationsPage) -> Result<Notifications> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| Box::pin(async move { run(&server_, tx, &caller, &page).await }))
        .await
}

async fn run(
    server: &Server,
    tx: &mut Tx<'_>,
    caller: &Caller,
    page: &NotificationsPage,
) -> Result<Notifications> {
    let user_id = &caller.user_id;
    let reader = Reader::open(server, tx, user_id).await?;
    let mut rooms = Vec::new();
    for (member, room_id) in tx.membership_list_recent(user_id, MAX_ROOMS).await? {
        let head = server.heads.read(tx, &room_id).await?;
        let receipts = tx.receipt_list_of(head.room.nid, user_id).await?;
        let marks = Marks::new(member.since, &receipts);
        rooms.push(Room { head, member, marks });
    }
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let mut upto = page.from.map_or(StreamPos(i64::MAX), |token| token.0);
    let mut next = None;
    let mut all = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let (mut found, end) = round(server, tx, &reader, &mut rooms, upto).await?;
        found.retain(|found| !page.only_highlights || found.actions.iter().any(Action::is_highlight));
        all.extend(found);
        next = end.map(|end| StreamPos(end.0 - 1));
        match next {
            Some(next) if all.len() < limit => upto = next,
            _ => break,
        }
    }
    if all.len() > limit {
        all.truncate(limit);
        next = all.last().map(|last| StreamPos(last.pos.0 - 1));
    }
    let viewer = Viewer {
        caller,
        now_ts: server.now_ts(),
        shape: Shape::Timeline,
    };
    let mut list = Vec::with_capacity(all.len());
    for found in all {
        let Some(Room { head, .. }) = rooms.get(found.room) else {
            continue;
        };
        let event = viewer
            .event(tx, head, &found.row, Some(MembershipState::Join))
            .await?;
        list.push(Notification {
            actions: found.actions,
            event,
            is_read: found.is_read,
            room_id: head.room.room_id.clone(),
            ts: pdu(&head.room.room_id, &found.row)?.origin_server_ts(),
        });
    }
    Ok(Notifications {
        list,
        next: next.map(SyncToken),
    })
}

/// What notifies up to a position, newest first, down to the position where a room has events that weren't looked
/// at. `None`: everything was.
async fn round(
    server: &Server,
    tx: &mut Tx<'_>,
    reader: &Reader,
    rooms: &mut [Room],
    upto: StreamPos,
) -> Result<(Vec<Found>, Option<StreamPos>)> {
    let mut end: Option<StreamPos> = None;
    let mut all = Vec::new();
    for (place, Room { head, member, marks }) in rooms.iter_mut().enumerate() {
        // Whoever is in the room since before an event may see it, whatever the history visibility is.
        let rows = tx
            .event_list_back(head.room.nid, member.since, upto, BATCH)
            .await?;
        if rows.len() == BATCH as usize {
            end = end.max(rows.last().and_then(|row| row.pos));
        }
        let actions = reader.actions(server, tx, head, &rows).await?;
        for (row, actions) in rows.into_iter().zip(actions) {
            let Some(pos) = row.pos.filter(|_| !actions.is_empty()) else {
                continue;
            };
            let is_read = pos <= marks.of(relation(&row.json).thread.as_deref());
            all.push(Found {
                room: place,
                row,
                pos,
                actions,
                is_read,
            });
        }
    }
    all.retain(|found| end.is_none_or(|end| found.pos >= end));
    all.sort_by_key(|found| std::cmp::Reverse(found.pos));
    Ok((all, end))
}
