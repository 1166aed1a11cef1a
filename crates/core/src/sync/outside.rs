//! What is shown of rooms that the user isn't joined to: invitations, rooms they knock at, and rooms they left.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_room::stripped;
use rohrpost_store::{EventRow, MemberRow, StreamPos, Tx};
use ruma::events::room::member::MembershipState;
use serde_json::value::RawValue;

use crate::{
    Refusal, Result, Server,
    rooms::{
        access::{Access, Seen},
        head::{Head, pdu},
        outside_state::outside_state,
        present::Viewer,
        state,
    },
    sync::{
        engine::SyncRequest,
        filter::{EventFilter, shape},
        lists::Lists,
        room::{StateEvents, Stretch, Timeline, timeline},
        snapshot::PlainEvent,
        token::SyncToken,
    },
};

/// A room that the user is invited to or knocks at.
pub struct InvitedRoom {
    /// Stripped state: enough to know what it is and who invites.
    pub state: Vec<Box<RawValue>>,
}

/// A room that the user left.
pub struct LeftRoom {
    /// Its last events that the user may see.
    pub timeline: Timeline,
    /// Its state as it was left, or what of it the client doesn't know.
    pub state: StateEvents,
    /// The user's own data about it.
    pub account_data: Vec<PlainEvent>,
}

/// An invitation, or a knock.
pub(crate) async fn invited(tx: &mut Tx<'_>, head: &Head, member: &MemberRow) -> Result<InvitedRoom> {
    // Of a room that nobody here is in, what another server told.
    if head.local_joined.is_empty()
        && let Some(told) = tx.stripped_state_get(&member.user_id, head.room.nid).await?
    {
        let state = serde_json::from_str(&told.events)?;
        return Ok(InvitedRoom { state });
    }
    let people = [&*member.sender, &member.user_id];
    let rows = outside_state(tx, head.room.nid, &people).await?;
    let state = rows
        .iter()
        .map(|row| Ok(stripped(&pdu(&head.room.room_id, row)?)))
        .collect::<Result<_>>()?;
    Ok(InvitedRoom { state })
}

/// A room that was left. `None` when the client knows that already or never knew the room.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, and each argument is another thing that is read"
)]
pub(crate) async fn left(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    stretch: &Stretch,
    head: &mut Head,
    member: &MemberRow,
    account_data: Vec<PlainEvent>,
    lists: &mut Lists,
) -> Result<Option<LeftRoom>> {
    let mut access = Access::of(tx, head, &member.user_id).await?;
    let since = stretch.since.filter(|_| !stretch.is_full);
    let (mut seen, limited) =
        timeline(tx, request, stretch, head, &mut access, stretch.since, member.pos).await?;
    if seen.is_empty() {
        // A refused invitation, or history that is for members only: the user's own event says what happened.
        let own = tx.event_get_many(head.room.nid, &[member.event]).await?;
        let mut own = own.into_iter().filter(says_so);
        seen.extend(own.next().map(|row| Seen {
            row,
            membership: MembershipState::Leave,
        }));
    }
    if stretch.since.is_some() {
        lists.left(tx, head.room.nid).await?;
    }
    let start = seen.first().and_then(|seen| seen.row.pos).unwrap_or(member.pos);
    let viewer = Viewer {
        caller: &request.caller,
        now_ts: server.now_ts(),
        shape: shape(&request.filter),
    };
    let events = viewer
        .page(tx, head, &mut access, &stretch.ignored, &seen)
        .await?;
    let prev_batch = Some(SyncToken(StreamPos(start.0 - 1)));
    let rows = state_rows(tx, request, head, &mut access, (since, member), &seen).await?;
    let state = viewer.state(tx, head, &rows).await?;
    let filter = EventFilter::of_room_events_in(&request.filter.room.account_data, &head.room.room_id);
    Ok(Some(LeftRoom {
        timeline: Timeline {
            events,
            limited,
            prev_batch,
        },
        state: match request.use_state_after {
            true => StateEvents::After(state),
            false => StateEvents::Before(state),
        },
        account_data: account_data
            .into_iter()
            .filter(|data| filter.allows_type(&data.kind))
            .collect(),
    }))
}

/// Whether an event says that somebody isn't in the room: not where a room elsewhere was left, and no other server took
/// that.
fn says_so(row: &EventRow) -> bool {
    #[derive(serde::Deserialize)]
    struct Event {
        content: Content,
    }
    #[derive(serde::Deserialize)]
    struct Content {
        membership: MembershipState,
    }
    let event = serde_json::from_str::<Event>(&row.json);
    event.is_ok_and(|event| {
        matches!(
            event.content.membership,
            MembershipState::Leave | MembershipState::Ban
        )
    })
}

/// The state of a room that was left: all that there was, or what changed since; up to the end of the timeline or, as
/// the specification had it at first, up to its start.
async fn state_rows(
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    head: &mut Head,
    access: &mut Access,
    (since, member): (Option<StreamPos>, &MemberRow),
    seen: &[Seen],
) -> Result<Vec<EventRow>> {
    let room = head.room.nid;
    let first = seen.first().filter(|_| !request.use_state_after);
    let mut rows = match (since, access.state(tx, head).await) {
        // What was never seen from inside has no state to tell.
        (_, Err(Refusal::Forbidden(_))) => return Ok(Vec::new()),
        (_, Err(refusal)) => return Err(refusal),
        (None, Ok(readable)) => match first {
            Some(first) => {
                let nids = tx.state_full(first.row.state_before).await?;
                tx.event_get_many(room, &nids).await?
            }
            None => state::rows(tx, head, &readable, |_| true).await?,
        },
        (Some(since), Ok(_)) => {
            let upto = first.and_then(|first| first.row.pos).unwrap_or(member.pos);
            let changed = tx.event_list_state(room, since, upto).await?;
            // The newest of each; what begins the timeline is told there.
            let mut newest = BTreeMap::new();
            for seen in access.filter(tx, head, &member.user_id, changed).await? {
                if first.is_none_or(|first| first.row.nid != seen.row.nid) {
                    newest.insert((seen.row.kind.clone(), seen.row.state_key.clone()), seen.row);
                }
            }
            newest.into_values().collect()
        }
    };
    let filter = &request.filter.room.state;
    if !filter.lazy_load_options.is_disabled() && since.is_none() {
        rows.retain(|row| {
            let key = row.state_key.as_deref();
            row.kind != "m.room.member"
                || key == Some(member.user_id.as_str())
                || seen.iter().any(|seen| key == Some(seen.row.sender.as_str()))
        });
    }
    let filter = EventFilter::of_room_events_in(filter, &head.room.room_id);
    rows.retain(|row| filter.allows(row));
    rows.sort_by_key(|row| row.nid);
    Ok(rows)
}
