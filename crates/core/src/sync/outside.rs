//! What is shown of rooms that the user isn't joined to: invitations, rooms they knock at, and rooms they left.

use std::sync::Arc;

use rohrpost_room::{Shape, stripped};
use rohrpost_store::{MemberRow, StreamPos, Tx};
use ruma::events::{StateEventType, room::member::MembershipState};
use serde_json::value::RawValue;

use crate::{
    Result, Server,
    rooms::{
        access::Access,
        head::{Head, pdu},
        present::Viewer,
        state,
    },
    sync::{
        engine::SyncRequest,
        lists::Lists,
        room::{Stretch, Timeline, timeline},
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
    /// Its state as it was left, when the client asked for everything.
    pub state: Vec<Box<RawValue>>,
}

/// The state of a room that somebody outside may know.
///
/// <https://spec.matrix.org/v1.19/client-server-api/#stripped-state>
const SHOWN: [StateEventType; 7] = [
    StateEventType::RoomCreate,
    StateEventType::RoomName,
    StateEventType::RoomAvatar,
    StateEventType::RoomTopic,
    StateEventType::RoomJoinRules,
    StateEventType::RoomCanonicalAlias,
    StateEventType::RoomEncryption,
];

/// An invitation, or a knock.
pub(crate) async fn invited(tx: &mut Tx<'_>, head: &Head, member: &MemberRow) -> Result<InvitedRoom> {
    let mut keys: Vec<_> = SHOWN.into_iter().map(|kind| (kind, String::new())).collect();
    keys.push((StateEventType::RoomMember, member.sender.to_string()));
    keys.push((StateEventType::RoomMember, member.user_id.to_string()));
    // Who knocks does so themselves.
    keys.dedup();
    let rows = tx.state_current_events(head.room.nid, &keys).await?;
    let state = rows
        .iter()
        .map(|row| Ok(stripped(&pdu(&head.room.room_id, row)?)))
        .collect::<Result<_>>()?;
    Ok(InvitedRoom { state })
}

/// A room that was left. `None` when the client knows that already or never knew the room.
pub(crate) async fn left(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    stretch: &Stretch,
    head: &mut Head,
    member: &MemberRow,
    lists: &mut Lists,
) -> Result<Option<LeftRoom>> {
    let mut access = Access::of(tx, head, &member.user_id).await?;
    let since = stretch.since.filter(|_| !stretch.is_full);
    let (mut seen, limited) = timeline(tx, request, stretch, head, &mut access, since, member.pos).await?;
    if seen.is_empty() {
        // A refused invitation, or history that is for members only: the user's own event says what happened.
        let own = tx.event_get_many(head.room.nid, &[member.event]).await?;
        seen.extend(own.into_iter().map(|row| crate::rooms::access::Seen {
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
        shape: Shape::Timeline,
    };
    let events = viewer
        .page(tx, head, &mut access, &stretch.ignored, &seen)
        .await?;
    let prev_batch = Some(SyncToken(StreamPos(start.0 - 1)));
    let mut state = Vec::new();
    if since.is_none()
        && let Ok(readable) = access.state(tx, head).await
    {
        let rows = state::rows(tx, head, &readable, |_| true).await?;
        state = viewer.state(tx, head, &rows).await?;
    }
    Ok(Some(LeftRoom {
        timeline: Timeline {
            events,
            limited,
            prev_batch,
        },
        state,
    }))
}
