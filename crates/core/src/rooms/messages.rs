//! Reads a page of a room's history.

use std::{collections::BTreeSet, sync::Arc};

use rohrpost_room::Shape;
use rohrpost_store::{EventRow, StateNid, StreamPos, Tx};
use ruma::{
    OwnedEventId, OwnedRoomId, UserId,
    api::{Direction, client::filter::RoomEventFilter},
    events::StateEventType,
};
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    federation::missing::{Gap, fetch_older},
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::{Head, pdu},
        present::Viewer,
    },
    sync::{filter::EventFilter, token::SyncToken},
};

/// Events on one page at most.
const MAX_PAGE: usize = 1000;
/// Events that are looked at for one page at most: bounds the work when a filter or the visibility hides many.
const MAX_SCANNED: usize = 5000;
/// How often other servers are asked for history that is missing on one page.
const MAX_FETCHES: usize = 3;
/// Places of a room where history is missing that are looked for.
const MAX_GAPS: u32 = 100;

/// The page that is wanted.
pub struct Page {
    /// Where it begins; `None`: at the newest event going back, at the oldest going forward.
    pub from: Option<SyncToken>,
    /// Where it ends at the latest.
    pub to: Option<SyncToken>,
    /// Which way.
    pub direction: Direction,
    /// How many events at most.
    pub limit: usize,
    /// Which events.
    pub filter: RoomEventFilter,
}

/// A page of events.
pub struct Messages {
    /// Where it begins.
    pub start: SyncToken,
    /// Where the next page begins; `None`: there is nothing more.
    pub end: Option<SyncToken>,
    /// The events, in the direction that was asked for.
    pub chunk: Vec<Box<RawValue>>,
    /// Member events of their senders, when members are loaded lazily.
    pub state: Vec<Box<RawValue>>,
}

/// A page of the history that the caller may see. What is missing of it here, from before this server came into the room
/// or from while it was away, other servers are asked for first.
///
/// # Errors
/// `Forbidden` when the caller may read nothing of the room.
pub async fn list(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    page: Page,
) -> Result<Messages> {
    let page = Arc::new(page);
    let mut looks = match server.settings.federation.is_on() {
        true => MAX_FETCHES,
        false => 0,
    };
    loop {
        let reading = read(server, &caller, &room_id, &page, looks > 0).await?;
        let gap = match reading {
            Read::Page(messages) => return Ok(messages),
            Read::Gap(gap) => gap,
        };
        looks = match fetch_older(server, &gap).await? {
            0 => 0,
            _ => looks - 1,
        };
    }
}

enum Read {
    Page(Messages),
    /// History is missing on the page.
    Gap(Gap),
}

/// Reads a page. Where it comes upon missing history and `looks` for that, it answers what is missing instead.
async fn read(
    server: &Arc<Server>,
    caller: &Caller,
    room_id: &OwnedRoomId,
    page: &Arc<Page>,
    looks: bool,
) -> Result<Read> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    let (caller, room_id, page) = (caller.clone(), room_id.clone(), Arc::clone(page));
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let mut access = Access::of(tx, &head, &caller.user_id).await?;
                // Refuses whoever may not read the room at all.
                let readable = access.state(tx, &mut head).await?;
                let ignored = Ignored::of(tx, &caller.user_id).await?;
                let (start, mut end, seen) =
                    collect(tx, &head, &mut access, &caller, &ignored, &page).await?;
                if page.direction == Direction::Backward {
                    let upto = end.map_or(StreamPos(i64::MIN), |end| end.0);
                    match gap(tx, &head, upto, start.0).await? {
                        Some(gap) if looks => return Ok(Read::Gap(gap)),
                        // This isn't the beginning of the room: it may be asked again later.
                        Some(_) if end.is_none() => {
                            let last = seen.last().and_then(|seen| seen.row.pos);
                            end = last.map(|pos| SyncToken(StreamPos(pos.0 - 1)));
                        }
                        _ => {}
                    }
                }
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                let mut state = Vec::new();
                if !page.filter.lazy_load_options.is_disabled() {
                    let at = readable.nid(tx, &head).await?;
                    state = senders(tx, &head, &viewer, &seen, at).await?;
                }
                Ok(Read::Page(Messages {
                    start,
                    end,
                    chunk: viewer.page(tx, &head, &mut access, &ignored, &seen).await?,
                    state,
                }))
            })
        })
        .await
}

/// The newest place in a stretch of the timeline where history is missing that other servers may have.
async fn gap(tx: &mut Tx<'_>, head: &Head, after: StreamPos, upto: StreamPos) -> Result<Option<Gap>> {
    let missing = tx.backward_extremity_list(head.room.nid, MAX_GAPS).await?;
    if missing.is_empty() {
        return Ok(None);
    }
    let missing: BTreeSet<OwnedEventId> = missing.into_iter().collect();
    let limit = u32::try_from(MAX_SCANNED).unwrap_or(u32::MAX);
    for row in tx.event_list_back(head.room.nid, after, upto, limit).await? {
        let follower = row.pos.unwrap_or_default();
        let prevs = pdu(&head.room.room_id, &row)?;
        let prevs = prevs.prev_events().iter();
        let missing: Vec<OwnedEventId> = prevs.filter(|id| missing.contains(*id)).cloned().collect();
        if !missing.is_empty() {
            return Ok(Some(Gap {
                room: head.room.clone(),
                follower,
                missing,
            }));
        }
    }
    Ok(None)
}

/// Member events of the senders of these events, as they are in the given state.
pub(crate) async fn senders(
    tx: &mut Tx<'_>,
    head: &Head,
    viewer: &Viewer<'_>,
    seen: &[Seen],
    state: StateNid,
) -> Result<Vec<Box<RawValue>>> {
    let senders: BTreeSet<&UserId> = seen.iter().map(|seen| &*seen.row.sender).collect();
    let mut nids = Vec::with_capacity(senders.len());
    for sender in senders {
        nids.extend(
            tx.state_find(state, &StateEventType::RoomMember, sender.as_str())
                .await?,
        );
    }
    let rows = tx.event_get_many(head.room.nid, &nids).await?;
    viewer.state(tx, head, &rows).await
}

/// A page of the events that the user may see: where it begins, where the next one begins, and the events.
pub(super) async fn collect(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    caller: &Caller,
    ignored: &Ignored,
    page: &Page,
) -> Result<(SyncToken, Option<SyncToken>, Vec<Seen>)> {
    let is_back = page.direction == Direction::Backward;
    let limit = page.limit.clamp(1, MAX_PAGE);
    let filter = EventFilter::of_room_events(&page.filter);
    let newest = head.room.last_pos;
    let start = page
        .from
        .unwrap_or(SyncToken(if is_back { newest } else { StreamPos(i64::MIN) }));
    let mut at = start.0;
    let mut seen = Vec::new();
    let mut scanned = 0;
    loop {
        let ask = u32::try_from(limit).unwrap_or(u32::MAX).max(20);
        let rows: Vec<EventRow> = match (is_back, page.to) {
            (true, to) => {
                tx.event_list_back(head.room.nid, to.map_or(StreamPos(i64::MIN), |to| to.0), at, ask)
                    .await?
            }
            (false, to) => {
                tx.event_list_forward(head.room.nid, at, to.map_or(newest, |to| to.0), ask)
                    .await?
            }
        };
        let is_last = rows.len() < ask as usize;
        for row in rows {
            scanned += 1;
            let pos = row.pos.unwrap_or_default();
            // A token stands between events: behind those up to its position.
            at = if is_back { StreamPos(pos.0 - 1) } else { pos };
            if filter.allows(&row) && !ignored.hides(&row) {
                seen.extend(access.see(tx, head, &caller.user_id, row).await?);
            }
            if seen.len() == limit || scanned == MAX_SCANNED {
                return Ok((start, Some(SyncToken(at)), seen));
            }
        }
        if is_last {
            // Going forward there may be more later; going back this is the beginning.
            let end = (!is_back && !seen.is_empty()).then_some(SyncToken(at));
            return Ok((start, end, seen));
        }
    }
}

impl Page {
    /// Checks that a token is one of ours.
    ///
    /// # Errors
    /// `InvalidParam` for anything else.
    pub fn token(text: Option<&str>) -> Result<Option<SyncToken>> {
        text.filter(|text| !text.is_empty())
            .map(str::parse::<SyncToken>)
            .transpose()
            .map_err(|_| Refusal::InvalidParam("this is not a point in the history".to_owned()))
    }
}
