//! What was found, in the form that clients get.

use std::collections::{BTreeMap, BTreeSet};

use rohrpost_room::Shape;
use rohrpost_store::{StreamPos, Tx};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, events::StateEventType};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::find::{FoundRoom, Hit, Search, SearchToken};
use crate::{
    Result, Server,
    personal::ignored::Ignored,
    rooms::{head::pdu, present::Viewer, state},
    sync::token::SyncToken,
};

/// Events on each side of a result at most.
const MAX_CONTEXT: u32 = 10;
/// State events of one answer, before no further room is added.
const MAX_STATE: usize = 5000;

/// What was found.
#[derive(Default)]
pub struct SearchAnswer {
    /// How many there are, roughly.
    pub count: usize,
    /// The words that were looked for.
    pub words: Vec<String>,
    /// The results of this page.
    pub results: Vec<FoundEvent>,
    /// The state of their rooms, if it was asked for.
    pub state: BTreeMap<OwnedRoomId, Vec<Box<RawValue>>>,
    /// Where the next page begins.
    pub next: Option<SearchToken>,
}

/// A result.
pub struct FoundEvent {
    /// The event.
    pub event: Box<RawValue>,
    /// Its id.
    pub event_id: OwnedEventId,
    /// Its room.
    pub room_id: OwnedRoomId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// How well it fits, from 0 to 1.
    pub rank: f64,
    /// What stands around it, if that was asked for.
    pub context: Option<EventContext>,
}

/// What stands around a result.
pub struct EventContext {
    /// Older events, newest first.
    pub before: Vec<Box<RawValue>>,
    /// Newer events, oldest first.
    pub after: Vec<Box<RawValue>>,
    /// Where to go on reading backwards.
    pub start: SyncToken,
    /// Where to go on reading forwards.
    pub end: SyncToken,
    /// Display names and pictures of the senders at the time, if they were asked for.
    pub profiles: BTreeMap<OwnedUserId, (Option<String>, Option<String>)>,
}

#[derive(Deserialize)]
struct Member {
    displayname: Option<String>,
    avatar_url: Option<String>,
}

pub(super) async fn present(
    server: &Server,
    tx: &mut Tx<'_>,
    search: &Search,
    ignored: &Ignored,
    rooms: &mut [FoundRoom],
    page: Vec<Hit>,
) -> Result<SearchAnswer> {
    let viewer = Viewer {
        caller: &search.caller,
        now_ts: server.now_ts(),
        shape: Shape::WithRoomId,
    };
    let mut answer = SearchAnswer::default();
    let mut shown = BTreeSet::new();
    for hit in page {
        let Some(room) = rooms.get_mut(hit.room) else {
            continue;
        };
        shown.insert(hit.room);
        let FoundRoom { head, access } = room;
        let event = viewer.page_of_one(tx, head, access, ignored, &hit.seen).await?;
        let context = match search.context {
            Some(wanted) => Some(context(tx, &viewer, search, ignored, room, &hit, wanted).await?),
            None => None,
        };
        answer.results.push(FoundEvent {
            event,
            event_id: hit.seen.row.event_id,
            room_id: room.head.room.room_id.clone(),
            sender: hit.seen.row.sender,
            rank: hit.rank,
            context,
        });
    }
    let mut count = 0;
    for place in shown.into_iter().filter(|_| search.include_state) {
        let Some(FoundRoom { head, access }) = rooms.get_mut(place) else {
            continue;
        };
        let Ok(readable) = access.state(tx, head).await else {
            continue;
        };
        let mut events = Vec::new();
        for row in state::rows(tx, head, &readable, |_| true).await? {
            events.push(viewer.event(tx, head, &row, None).await?);
        }
        count += events.len();
        answer.state.insert(head.room.room_id.clone(), events);
        if count > MAX_STATE {
            break;
        }
    }
    Ok(answer)
}

async fn context(
    tx: &mut Tx<'_>,
    viewer: &Viewer<'_>,
    search: &Search,
    ignored: &Ignored,
    FoundRoom { head, access }: &mut FoundRoom,
    hit: &Hit,
    (before, after, with_profiles): (u32, u32, bool),
) -> Result<EventContext> {
    let (room, pos, user_id) = (head.room.nid, hit.pos, &search.caller.user_id);
    let mut older = tx
        .event_list_back(
            room,
            StreamPos(i64::MIN),
            StreamPos(pos.0 - 1),
            before.min(MAX_CONTEXT),
        )
        .await?;
    let mut newer = tx
        .event_list_forward(room, pos, head.room.last_pos, after.min(MAX_CONTEXT))
        .await?;
    let start = older.last().and_then(|row| row.pos).unwrap_or(pos).0 - 1;
    let end = newer.last().and_then(|row| row.pos).unwrap_or(pos);
    older.retain(|row| !ignored.hides(row));
    newer.retain(|row| !ignored.hides(row));
    let older = access.filter(tx, head, user_id, older).await?;
    let newer = access.filter(tx, head, user_id, newer).await?;
    let mut profiles = BTreeMap::new();
    if with_profiles {
        let around = older.iter().chain(&newer).map(|seen| &seen.row);
        let senders: BTreeSet<OwnedUserId> = around
            .chain([&hit.seen.row])
            .map(|row| row.sender.clone())
            .collect();
        for sender in senders {
            let at = hit.seen.row.state_before;
            let nid = tx
                .state_find(at, &StateEventType::RoomMember, sender.as_str())
                .await?;
            let rows = tx.event_get_many(room, nid.as_slice()).await?;
            let Some(row) = rows.first() else { continue };
            if let Ok(member) = pdu(&head.room.room_id, row)?.content_as::<Member>() {
                profiles.insert(sender, (member.displayname, member.avatar_url));
            }
        }
    }
    Ok(EventContext {
        before: viewer.events(tx, head, &older).await?,
        after: viewer.events(tx, head, &newer).await?,
        start: SyncToken(StreamPos(start)),
        end: SyncToken(end),
        profiles,
    })
}
