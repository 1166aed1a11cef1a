//! What is shown of one room that the user is joined to.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use rohrpost_room::Pdu;
use rohrpost_store::{EventNid, EventRow, MemberRow, ReceiptRow, StateEntry, StateNid, StreamPos, Tx};
use ruma::{
    OwnedUserId, UserId,
    events::{StateEventType, room::member::MembershipState},
};
use serde_json::value::RawValue;

use crate::{
    Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::Head,
        present::Viewer,
    },
    sync::{
        engine::SyncRequest,
        filter::{EventFilter, lists_room, shape},
        lists::Lists,
        snapshot::PlainEvent,
        token::SyncToken,
        unread::{Reader, UnreadCounts},
    },
};

/// Events of a timeline when the filter names no number.
const DEFAULT_LIMIT: u32 = 10;
/// Sticky events of one room in one answer; of more the newest are shown.
const MAX_STICKY: u32 = 500;
/// Events of a timeline at most.
const MAX_LIMIT: u32 = 500;
/// How often events are read for one timeline, each time one more than it may have: a filter can hide many.
const MAX_ROUNDS: u32 = 10;
/// People that a room without a name is named after.
const HEROES: u32 = 5;
/// State that the name of a room or the number of its members depends on.
const NAMING: [StateEventType; 3] = [
    StateEventType::RoomMember,
    StateEventType::RoomName,
    StateEventType::RoomCanonicalAlias,
];

/// The stretch of the stream that an answer tells about.
pub(crate) struct Stretch {
    /// What was seen before.
    pub(crate) since: Option<StreamPos>,
    /// What will have been seen.
    pub(crate) now: StreamPos,
    /// All rooms with their whole state.
    pub(crate) is_full: bool,
    /// People whose messages aren't shown.
    pub(crate) ignored: Ignored,
}

/// A part of a room's timeline.
#[derive(Default)]
pub struct Timeline {
    /// The events, oldest first.
    pub events: Vec<Box<RawValue>>,
    /// There are events between what was seen before and the first of these.
    pub limited: bool,
    /// From where older events can be asked for.
    pub prev_batch: Option<SyncToken>,
}

/// State that the client doesn't know yet.
pub enum StateEvents {
    /// Up to the start of the timeline.
    Before(Vec<Box<RawValue>>),
    /// Up to its end; the timeline itself changes nothing.
    After(Vec<Box<RawValue>>),
}

/// For naming a room and counting its members.
pub struct Summary {
    /// Whom a room without a name is named after.
    pub heroes: Vec<OwnedUserId>,
    /// How many are joined.
    pub joined: i64,
    /// How many are invited.
    pub invited: i64,
}

/// What is shown of one room that the user is joined to.
pub struct JoinedRoom {
    /// Its newest events.
    pub timeline: Timeline,
    /// Its state.
    pub state: StateEvents,
    /// When the members changed.
    pub summary: Option<Summary>,
    /// Sticky events that aren't in its timeline.
    pub sticky: Vec<Box<RawValue>>,
    /// Receipts and typing.
    pub ephemeral: Vec<PlainEvent>,
    /// The user's own data about it.
    pub account_data: Vec<PlainEvent>,
    /// What is unread in it.
    pub unread: UnreadCounts,
}

/// What changed in a joined room; `None` when nothing of it passes the filter.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, and each argument is another thing that is read"
)]
pub(crate) async fn joined(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    stretch: &Stretch,
    head: &mut Head,
    member: &MemberRow,
    account_data: Vec<PlainEvent>,
    unread: &Reader,
    lists: &mut Lists,
) -> Result<Option<JoinedRoom>> {
    // Of a room that is new to the client, everything is told.
    let known = stretch.since.filter(|since| member.since <= *since);
    let since = known.filter(|_| !stretch.is_full);
    let filter = &request.filter.room;
    let mut access = Access::of(tx, head, &request.caller.user_id).await?;
    // "The timeline will still be limited by the since parameter."
    let (seen, limited) = timeline(tx, request, stretch, head, &mut access, known, stretch.now).await?;
    let start = seen.first().and_then(|seen| seen.row.pos);

    let mut entries = Vec::new();
    if let Some(since) = since {
        entries = tx.state_current_list(head.room.nid, Some(since)).await?;
    }
    let members_changed: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == StateEventType::RoomMember)
        .map(|entry| &*entry.state_key)
        .collect();
    match (stretch.since, known) {
        (Some(_), None) => lists.joined(tx, head.room.nid).await?,
        (Some(before), Some(_)) => {
            lists
                .members_changed(tx, head.room.nid, &members_changed, before)
                .await?;
        }
        (None, _) => {}
    }

    let is_summed = since.is_none() || entries.iter().any(|entry| NAMING.contains(&entry.kind));
    let summary = match is_summed {
        true => Some(summary(tx, head, &request.caller.user_id).await?),
        false => None,
    };
    let heroes = summary.as_ref().map_or(&[][..], |summary| &*summary.heroes);
    let rows = state_rows(tx, request, head, since, (&seen, limited, heroes), entries).await?;
    let viewer = Viewer {
        caller: &request.caller,
        now_ts: server.now_ts(),
        shape: shape(&request.filter),
    };
    let state = viewer.state(tx, head, &rows).await?;
    let has_state = !state.is_empty();
    let state = match request.use_state_after {
        true => StateEvents::After(state),
        false => StateEvents::Before(state),
    };
    // Data that was set before the join was of no use until now.
    let account_data = match (since, stretch.since) {
        (None, Some(_)) => {
            let all = tx
                .account_data_list_in(&request.caller.user_id, head.room.nid)
                .await?;
            all.into_iter()
                .map(|data| PlainEvent {
                    kind: data.kind,
                    content: data.content,
                })
                .collect()
        }
        _ => account_data,
    };
    let data_filter = EventFilter::of_room_events_in(&filter.account_data, &head.room.room_id);
    // Without a gap the client has all that relates to these, and adds it up itself.
    let events = match limited || since.is_none() {
        true => {
            viewer
                .page(tx, head, &mut access, &stretch.ignored, &seen)
                .await?
        }
        false => viewer.events(tx, head, &seen).await?,
    };
    let room = JoinedRoom {
        timeline: Timeline {
            events,
            limited,
            prev_batch: Some(SyncToken(start.map_or(stretch.now, |pos| StreamPos(pos.0 - 1)))),
        },
        state,
        summary,
        sticky: sticky(tx, &viewer, head, &seen, since, stretch).await?,
        ephemeral: ephemeral(server, tx, request, head, since, stretch.now).await?,
        account_data: account_data
            .into_iter()
            .filter(|data| data_filter.allows_type(&data.kind))
            .collect(),
        unread: unread.counts(server, tx, head, member.since).await?,
    };
    let has_news = !seen.is_empty()
        || limited
        || has_state
        || !room.sticky.is_empty()
        || !room.ephemeral.is_empty()
        || !room.account_data.is_empty();
    Ok((has_news || since.is_none()).then_some(room))
}

/// The newest events after `since` that may be shown, oldest first, and whether there are more.
pub(crate) async fn timeline(
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    stretch: &Stretch,
    head: &Head,
    access: &mut Access,
    since: Option<StreamPos>,
    upto: StreamPos,
) -> Result<(Vec<Seen>, bool)> {
    let wanted = &request.filter.room.timeline;
    let limit = wanted
        .limit
        .map_or(DEFAULT_LIMIT, |limit| u32::try_from(limit).unwrap_or(MAX_LIMIT))
        .min(MAX_LIMIT);
    if !lists_room(wanted.rooms.as_deref(), &wanted.not_rooms, &head.room.room_id) {
        return Ok((Vec::new(), false));
    }
    let wanted = Wanted {
        user_id: &request.caller.user_id,
        limit,
        filter: Some(EventFilter::of_room_events(wanted)),
        ignored: &stretch.ignored,
    };
    newest(tx, &wanted, head, access, since, upto).await
}

/// Which events of a timeline are wanted, and by whom.
pub(crate) struct Wanted<'a> {
    pub(crate) user_id: &'a UserId,
    pub(crate) limit: u32,
    pub(crate) filter: Option<EventFilter<'a>>,
    /// People whose messages aren't shown.
    pub(crate) ignored: &'a Ignored,
}

/// The newest wanted events after `since` up to and including `upto` that may be shown, oldest first, and whether
/// there are more.
pub(crate) async fn newest(
    tx: &mut Tx<'_>,
    wanted: &Wanted<'_>,
    head: &Head,
    access: &mut Access,
    since: Option<StreamPos>,
    upto: StreamPos,
) -> Result<(Vec<Seen>, bool)> {
    if since.is_some_and(|since| head.room.last_pos <= since) {
        return Ok((Vec::new(), false));
    }
    let after = since.unwrap_or(StreamPos(i64::MIN));
    let limit = wanted.limit as usize;
    let (mut upto, mut scanned, mut limited) = (upto, 0, false);
    let mut rows = Vec::new();
    while !limited {
        let batch = tx
            .event_list_back(head.room.nid, after, upto, wanted.limit + 1)
            .await?;
        let is_last = batch.len() <= limit;
        scanned += 1;
        for row in batch {
            upto = StreamPos(row.pos.unwrap_or(upto).0 - 1);
            if wanted.filter.is_none_or(|filter| filter.allows(&row)) && !wanted.ignored.hides(&row) {
                // One more than is shown says that there is more.
                limited |= rows.len() == limit;
                rows.push(row);
            }
        }
        if is_last {
            break;
        }
        limited |= scanned == MAX_ROUNDS;
    }
    // A room that began elsewhere has older events that aren't here yet.
    if !limited && since.is_none() && rows.last().is_some_and(|row| row.kind != "m.room.create") {
        let gaps = tx.backward_extremity_list(head.room.nid, 1).await?;
        limited = !gaps.is_empty();
    }
    rows.truncate(limit);
    rows.reverse();
    Ok((access.filter(tx, head, wanted.user_id, rows).await?, limited))
}

/// The state events that the client doesn't know yet, by the specification's two ways of counting.
///
/// Up to the end of the timeline: what changed, as it is now. Up to its start: the same without what the timeline
/// itself brings, for which the state before the timeline counts. So nothing is lost when a filter keeps state
/// events out of the timeline.
async fn state_rows(
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    head: &Head,
    since: Option<StreamPos>,
    (seen, limited, heroes): (&[Seen], bool, &[OwnedUserId]),
    changed: Vec<StateEntry>,
) -> Result<Vec<EventRow>> {
    let room = head.room.nid;
    let entries = match since {
        Some(_) => changed,
        None => tx.state_current_list(room, None).await?,
    };
    let shown: HashSet<EventNid> = seen.iter().map(|seen| seen.row.nid).collect();
    let before = seen
        .first()
        .filter(|_| !request.use_state_after)
        .map(|seen| seen.row.state_before);
    let mut nids = Vec::with_capacity(entries.len());
    for entry in entries {
        match before.filter(|_| shown.contains(&entry.event)) {
            None => nids.push(entry.event),
            // Without a gap the client has what was there before.
            Some(before) if since.is_none() || limited => {
                let event = tx.state_find(before, &entry.kind, &entry.state_key).await?;
                nids.extend(event.filter(|event| since.is_none_or(|since| event.0 > since.0)));
            }
            Some(_) => {}
        }
    }
    let mut rows = tx.event_get_many(room, &nids).await?;
    let filter = &request.filter.room.state;
    if !filter.lazy_load_options.is_disabled() {
        let mut needed: BTreeSet<String> = seen.iter().map(|seen| seen.row.sender.to_string()).collect();
        // "the membership events for the heroes MUST be included in the state"
        needed.extend(heroes.iter().map(ToString::to_string));
        if since.is_none() {
            needed.insert(request.caller.user_id.to_string());
            // Changes of members are told all the same when the client asked for changes.
            rows.retain(|row| {
                row.kind != "m.room.member" || row.state_key.as_ref().is_some_and(|key| needed.contains(key))
            });
        }
        for row in rows.iter().filter(|row| row.kind == "m.room.member") {
            row.state_key.as_ref().map(|key| needed.remove(key));
        }
        rows.extend(members(tx, head, needed, before).await?);
    }
    let filter = EventFilter::of_room_events_in(filter, &head.room.room_id);
    rows.retain(|row| filter.allows(row));
    rows.sort_by_key(|row| row.nid);
    Ok(rows)
}

/// Member events: in the given state, else as they are now.
async fn members(
    tx: &mut Tx<'_>,
    head: &Head,
    users: BTreeSet<String>,
    state: Option<StateNid>,
) -> Result<Vec<EventRow>> {
    let room = head.room.nid;
    let Some(state) = state else {
        let keys: Vec<_> = users
            .into_iter()
            .map(|user| (StateEventType::RoomMember, user))
            .collect();
        return Ok(tx.state_current_events(room, &keys).await?);
    };
    let mut nids = Vec::with_capacity(users.len());
    for user in users {
        nids.extend(tx.state_find(state, &StateEventType::RoomMember, &user).await?);
    }
    Ok(tx.event_get_many(room, &nids).await?)
}

pub(crate) async fn summary(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<Summary> {
    let room = head.room.nid;
    let mut heroes = Vec::new();
    let names =
        [StateEventType::RoomName, StateEventType::RoomCanonicalAlias].map(|kind| (kind, String::new()));
    let named = head.states(tx, &names).await?;
    if !named.values().any(|event| is_name(event)) {
        heroes = tx.membership_heroes(room, user_id, HEROES).await?;
        if heroes.is_empty() {
            heroes = tx.membership_former_heroes(room, user_id, HEROES).await?;
        }
    }
    Ok(Summary {
        heroes,
        joined: tx.membership_count(room, &MembershipState::Join).await?,
        invited: tx.membership_count(room, &MembershipState::Invite).await?,
    })
}

/// Whether a name or an address says anything: "unset or empty" ones don't.
fn is_name(event: &Pdu) -> bool {
    #[derive(serde::Deserialize)]
    struct Content {
        name: Option<String>,
        alias: Option<String>,
    }
    let content = event.content_as::<Content>();
    content.is_ok_and(|content| {
        let texts = [content.name, content.alias];
        texts.iter().flatten().any(|text| !text.is_empty())
    })
}

/// The events that are sticky now, came after `since` and aren't in the timeline that is shown. Whoever is in the room
/// may see them, whatever its history visibility.
///
/// [MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)
async fn sticky(
    tx: &mut Tx<'_>,
    viewer: &Viewer<'_>,
    head: &Head,
    seen: &[Seen],
    since: Option<StreamPos>,
    stretch: &Stretch,
) -> Result<Vec<Box<RawValue>>> {
    let between = (since.unwrap_or(StreamPos(i64::MIN)), stretch.now);
    let mut nids = tx
        .sticky_event_list(head.room.nid, between, viewer.now_ts, MAX_STICKY)
        .await?;
    nids.retain(|nid| seen.iter().all(|seen| seen.row.nid != *nid));
    let mut events = Vec::with_capacity(nids.len());
    if !nids.is_empty() {
        for row in tx.event_get_many(head.room.nid, &nids).await? {
            if !stretch.ignored.contains(&row.sender) {
                events.push(viewer.event(tx, head, &row, None).await?);
            }
        }
    }
    Ok(events)
}

/// Receipts and typing of a room.
async fn ephemeral(
    server: &Server,
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    head: &Head,
    since: Option<StreamPos>,
    now: StreamPos,
) -> Result<Vec<PlainEvent>> {
    let filter = EventFilter::of_room_events_in(&request.filter.room.ephemeral, &head.room.room_id);
    let room = head.room.nid;
    let mut events = Vec::new();
    if filter.allows_type("m.receipt") {
        let after = since.unwrap_or(StreamPos(i64::MIN));
        let mut receipts = tx.receipt_list(room, after, now).await?;
        receipts
            .retain(|receipt| receipt.kind != "m.read.private" || receipt.user_id == request.caller.user_id);
        if !receipts.is_empty() {
            events.push(PlainEvent {
                kind: "m.receipt".to_owned(),
                content: receipt_content(&receipts)?,
            });
        }
    }
    if filter.allows_type("m.typing") {
        let typing = tx.typing_list(room, server.now_ts()).await?;
        let changed = match since {
            Some(since) => tx.typing_any(room, since, now).await?,
            None => !typing.is_empty(),
        };
        if changed {
            let content = ruma::events::typing::TypingEventContent::new(typing);
            events.push(PlainEvent {
                kind: "m.typing".to_owned(),
                content: serde_json::to_string(&content)?,
            });
        }
    }
    Ok(events)
}

/// <https://spec.matrix.org/v1.19/client-server-api/#mreceipt>
pub(crate) fn receipt_content(receipts: &[ReceiptRow]) -> Result<String> {
    #[derive(serde::Serialize)]
    struct Receipt<'a> {
        ts: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        thread_id: Option<&'a str>,
    }
    type ByUser<'a> = BTreeMap<&'a str, Receipt<'a>>;
    let mut content: BTreeMap<&str, BTreeMap<&str, ByUser<'_>>> = BTreeMap::new();
    for receipt in receipts {
        let thread_id = (!receipt.thread.is_empty()).then_some(&*receipt.thread);
        let by_kind = content.entry(receipt.event_id.as_str()).or_default();
        let by_user = by_kind.entry(&*receipt.kind).or_default();
        by_user.insert(
            receipt.user_id.as_str(),
            Receipt {
                ts: receipt.ts,
                thread_id,
            },
        );
    }
    Ok(serde_json::to_string(&content)?)
}
