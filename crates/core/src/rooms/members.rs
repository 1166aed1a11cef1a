//! Lists the members of a room.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_room::Shape;
use rohrpost_store::{EventRow, Tx};
use ruma::{OwnedRoomId, OwnedUserId, events::room::member::MembershipState};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{
        access::{Access, ReadableState},
        head::{Head, pdu},
        present::Viewer,
        state,
    },
    sync::token::SyncToken,
};

/// Which members are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those with this membership.
    pub membership: Option<MembershipState>,
    /// Only those with another membership than this.
    pub not_membership: Option<MembershipState>,
    /// As they were at this point of a sync or of a page of messages.
    pub at: Option<SyncToken>,
}

/// The member events of a room that the caller may read.
///
/// # Errors
/// `Forbidden` for rooms that the caller may not read.
pub async fn list(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    wanted: Wanted,
) -> Result<Vec<Box<RawValue>>> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let rows = member_rows(tx, &mut head, &caller, wanted.at).await?;
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                let mut kept = Vec::with_capacity(rows.len());
                for row in rows {
                    let membership = pdu(&room_id, &row)?
                        .membership()
                        .unwrap_or(MembershipState::Leave);
                    let is_wanted = wanted.membership.as_ref().is_none_or(|m| *m == membership)
                        && wanted.not_membership.as_ref().is_none_or(|m| *m != membership);
                    if is_wanted {
                        kept.push(row);
                    }
                }
                viewer.state(tx, &head, &kept).await
            })
        })
        .await
}

async fn member_rows(
    tx: &mut Tx<'_>,
    head: &mut Head,
    caller: &Caller,
    at: Option<SyncToken>,
) -> Result<Vec<EventRow>> {
    let access = Access::of(tx, head, &caller.user_id).await?;
    let readable = access.state(tx, head).await?;
    let is_past = at.filter(|at| at.0 < head.room.last_pos && matches!(readable, ReadableState::Current));
    let Some(at) = is_past else {
        return state::rows(tx, head, &readable, |kind| kind == "m.room.member").await;
    };
    // The state before the first event after that point.
    let next = tx
        .event_list_forward(head.room.nid, at.0, head.room.last_pos, 1)
        .await?;
    let Some(next) = next.first() else {
        return state::rows(tx, head, &readable, |kind| kind == "m.room.member").await;
    };
    let nids = tx.state_full(next.state_before).await?;
    let mut rows = tx.event_get_many(head.room.nid, &nids).await?;
    rows.retain(|row| row.kind == "m.room.member");
    Ok(rows)
}

/// What others see of a joined member.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct JoinedMember {
    /// The display name in this room.
    #[serde(default)]
    pub displayname: Option<String>,
    /// The picture in this room.
    #[serde(default)]
    pub avatar_url: Option<String>,
}

/// The joined members of a room, for one who is joined.
///
/// # Errors
/// `Forbidden` for everybody else.
pub async fn joined(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
) -> Result<BTreeMap<OwnedUserId, JoinedMember>> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let head = server_.heads.read(tx, &room_id).await?;
                if !Access::of(tx, &head, &caller.user_id).await?.is_joined() {
                    return Err(Refusal::not_in_room());
                }
                let members = tx
                    .membership_list_in(head.room.nid, &MembershipState::Join)
                    .await?;
                let nids: Vec<_> = members.iter().map(|member| member.event).collect();
                let rows = tx.event_get_many(head.room.nid, &nids).await?;
                let mut joined = BTreeMap::new();
                for row in rows {
                    let user_id = row
                        .state_key
                        .as_deref()
                        .and_then(|key| OwnedUserId::try_from(key).ok());
                    let profile = pdu(&room_id, &row)?.content_as().unwrap_or_default();
                    joined.extend(user_id.map(|user_id| (user_id, profile)));
                }
                Ok(joined)
            })
        })
        .await
}
