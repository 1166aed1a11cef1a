//! Events that members are shown even if they miss them in the timeline, on a connection.
//!
//! [MSC4480](https://github.com/matrix-org/matrix-spec-proposals/pull/4480): they come reliably, oldest first, and the
//! client says up to where it has them, as with messages to devices.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use rohrpost_room::Shape;
use rohrpost_store::{EventNid, RoomNid, StreamPos, Tx};
use ruma::{OwnedRoomId, events::room::member::MembershipState};
use serde_json::value::RawValue;

use super::{
    SlidingRequest,
    config::RoomConfig,
    connections::State,
    index::{Index, Marks, is_listed},
};
use crate::{Result, Server, rooms::present::Viewer};

/// Sticky events in one answer, and those of one room that was just joined.
const MAX_STICKY: u32 = 500;
/// Sticky events in one answer when nobody says how many.
const DEFAULT_STICKY: u32 = 100;

/// Which sticky events are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyWanted {
    /// The client has those up to here; `None`: none.
    pub since: Option<StreamPos>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// Sticky events.
#[derive(Default)]
pub struct Sticky {
    /// The client will have those up to here; `None`: nothing came.
    pub next: Option<StreamPos>,
    /// By room, oldest first.
    pub rooms: BTreeMap<OwnedRoomId, Vec<Box<RawValue>>>,
    /// There are more: the client shouldn't wait before it asks for them.
    pub(super) has_more: bool,
}

/// What was found on the walk over the rooms.
pub(super) struct StickyWalk<'a> {
    pub(super) server: &'a Arc<Server>,
    pub(super) request: &'a SlidingRequest,
    pub(super) state: &'a State,
    pub(super) index: &'a Index,
    pub(super) marks: &'a Marks,
    pub(super) subscribed: &'a BTreeMap<RoomNid, Arc<RoomConfig>>,
    /// Events that stand in the timelines of this answer.
    pub(super) shown: &'a HashSet<EventNid>,
    pub(super) now: StreamPos,
}

impl StickyWalk<'_> {
    /// Of the rooms that a list or a subscription wants, whether or not a window shows them at the moment. Whoever is
    /// in a room may see them, whatever its history visibility.
    pub(super) async fn read(&self, tx: &mut Tx<'_>, wanted: StickyWanted) -> Result<Sticky> {
        let user_id = &self.request.caller.user_id;
        let now_ts = self.server.now_ts();
        let limit = wanted.limit.unwrap_or(DEFAULT_STICKY).clamp(1, MAX_STICKY);
        let mut found = tx
            .sticky_event_list_of(user_id, (wanted.since, self.now), now_ts, limit + 1)
            .await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().map(|(_, nid)| StreamPos(nid.0));
        let next = last.filter(|_| has_more).unwrap_or(self.now);
        let mut by_room: BTreeMap<RoomNid, BTreeSet<EventNid>> = BTreeMap::new();
        for (room, nid) in found {
            by_room.entry(room).or_default().insert(nid);
        }
        if let Some(since) = wanted.since {
            // Of a room that was joined since, those that came before.
            for member in tx.membership_list_changed(user_id, since, self.now).await? {
                if member.membership == MembershipState::Join && member.since > since {
                    let before = (StreamPos(i64::MIN), since);
                    let nids = tx
                        .sticky_event_list(member.room, before, now_ts, MAX_STICKY)
                        .await?;
                    by_room.entry(member.room).or_default().extend(nids);
                }
            }
        }
        let mut sticky = Sticky {
            has_more,
            next: (!by_room.is_empty() || wanted.since.is_none()).then_some(next),
            ..Sticky::default()
        };
        for (room, nids) in by_room {
            let nids: Vec<EventNid> = nids.into_iter().filter(|nid| !self.shown.contains(nid)).collect();
            if let Some((room_id, events)) = self.room(tx, room, &nids).await? {
                sticky.rooms.insert(room_id, events);
            }
        }
        Ok(sticky)
    }

    async fn room(
        &self,
        tx: &mut Tx<'_>,
        room: RoomNid,
        nids: &[EventNid],
    ) -> Result<Option<(OwnedRoomId, Vec<Box<RawValue>>)>> {
        let is_wanted = self.index.get(room).is_some_and(|entry| {
            self.subscribed.contains_key(&room) || is_listed(&self.request.asked, room, entry, self.marks)
        });
        if nids.is_empty() || !is_wanted {
            return Ok(None);
        }
        let Some(row) = tx.room_get_by_nid(room).await? else {
            return Ok(None);
        };
        let head = self.server.heads.read(tx, &row.room_id).await?;
        let viewer = Viewer {
            caller: &self.request.caller,
            now_ts: self.server.now_ts(),
            shape: Shape::Timeline,
        };
        let mut events = Vec::with_capacity(nids.len());
        for row in tx.event_get_many(room, nids).await? {
            if !self.state.ignored.contains(&row.sender) {
                events.push(viewer.event(tx, &head, &row, None).await?);
            }
        }
        Ok((!events.is_empty()).then_some((row.room_id, events)))
    }
}
