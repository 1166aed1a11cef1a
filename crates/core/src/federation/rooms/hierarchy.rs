//! Tells another server what is in a space, as far as its people may know.

use std::sync::Arc;

use rohrpost_room::visibility::history_visibility;
use rohrpost_store::Tx;
use ruma::{
    OwnedRoomId, OwnedServerName, ServerName,
    events::{
        StateEventType,
        room::{history_visibility::HistoryVisibility, member::MembershipState},
    },
    room::{JoinRule, RoomSummary},
};
use serde_json::value::RawValue;

use super::reader::check_acl;
use crate::{
    Refusal, Result, Server,
    rooms::{
        head::Head,
        hierarchy::{Child, children},
        restricted::{allowed_rooms, join_rule},
        summary::summary,
    },
};

/// Children of a space that are told of: whoever wants to know more asks for those.
const MAX_CHILDREN: usize = 100;
/// People of the other server who are looked at for an invitation.
const MAX_PEOPLE: u32 = 500;

/// A space with what is in it.
pub struct Space {
    /// What it is.
    pub room: RoomSummary,
    /// Its `m.space.child` events, stripped; none if it isn't a space.
    pub children_state: Vec<Box<RawValue>>,
    /// What its children are, as far as they are known here and that server's people may know of them.
    pub children: Vec<RoomSummary>,
    /// Those that are known here, of which they may not.
    pub inaccessible: Vec<OwnedRoomId>,
}

/// A space, or a room that isn't one.
///
/// # Errors
/// `NotFound` when this server isn't in such a room, or nobody of that server may know of it.
///
/// # Spec
/// [`GET /hierarchy`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid)
pub async fn get(
    server: &Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    suggested_only: bool,
) -> Result<Space> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let not_found = || Refusal::not_found("a room of this id was");
                let mut head = here(&server_, tx, &room_id).await?.ok_or_else(not_found)?;
                if !may_know(tx, &mut head, &origin).await? {
                    return Err(not_found());
                }
                let found = match head.room.kind.as_deref() {
                    Some("m.space") => children(tx, &head, suggested_only).await?,
                    _ => Vec::new(),
                };
                let mut space = Space {
                    room: summary(tx, &mut head).await?,
                    children_state: Vec::with_capacity(found.len()),
                    children: Vec::new(),
                    inaccessible: Vec::new(),
                };
                for (number, Child { room_id, event, .. }) in found.into_iter().enumerate() {
                    space.children_state.push(event);
                    if number >= MAX_CHILDREN {
                        continue;
                    }
                    let Some(mut child) = here(&server_, tx, &room_id).await? else {
                        continue;
                    };
                    match may_know(tx, &mut child, &origin).await? {
                        true => space.children.push(summary(tx, &mut child).await?),
                        false => space.inaccessible.push(room_id),
                    }
                }
                Ok(space)
            })
        })
        .await
}

/// A room that somebody of this server is in: of others nothing is known any more.
async fn here(server: &Server, tx: &mut Tx<'_>, room_id: &OwnedRoomId) -> Result<Option<Head>> {
    let head = server.heads.peek(tx, room_id).await?;
    Ok(head.filter(|head| !head.local_joined.is_empty()))
}

/// Whether anybody of a server may know what a room is: the same as for people of this server, one by one.
async fn may_know(tx: &mut Tx<'_>, head: &mut Head, origin: &ServerName) -> Result<bool> {
    if check_acl(tx, head, origin).await.is_err() {
        return Ok(false);
    }
    let visibility = head.state(tx, StateEventType::RoomHistoryVisibility, "").await?;
    if history_visibility(visibility.as_deref()) == HistoryVisibility::WorldReadable
        || tx.room_server_get(head.room.nid, origin).await?.is_some()
    {
        return Ok(true);
    }
    match join_rule(tx, head).await? {
        JoinRule::Public | JoinRule::Knock | JoinRule::KnockRestricted(_) => return Ok(true),
        rule @ JoinRule::Restricted(_) => {
            for room_id in allowed_rooms(&rule) {
                if let Some(room) = tx.room_get(&room_id).await?
                    && tx.room_server_get(room.nid, origin).await?.is_some()
                {
                    return Ok(true);
                }
            }
        }
        _ => {}
    }
    let people = tx.server_people_in(head.room.nid, origin, MAX_PEOPLE).await?;
    let people: Vec<_> = people.iter().map(|user_id| &**user_id).collect();
    let members = tx.membership_get_each(head.room.nid, &people).await?;
    Ok(members
        .iter()
        .any(|member| member.membership == MembershipState::Invite))
}
