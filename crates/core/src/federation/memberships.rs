//! Memberships of our users in rooms that nobody here is in: other servers are asked, one after the other.
//!
//! Another server offers a template; our event is built from what *we* wanted and signed
//! ([`rohrpost_room::handshake`]), handed over, and then kept here. Joining brings the room with it ([`import`]); leaving
//! and knocking leave one event without a place ([`outside`]).
//!
//! Start reading at [`change`].
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

mod handed_over;
mod import;
mod join;
mod knock;
mod leave;
pub(crate) mod outside;
pub(crate) mod restricted;

use std::sync::Arc;

use rohrpost_store::{MemberRow, RoomRow, StateNid};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OwnedRoomId, OwnedServerName, OwnedUserId,
    events::room::member::MembershipState,
};

use super::ask::AskError;
use crate::{
    Refusal, Result, Server,
    rooms::{
        create::person,
        membership::{Change, ChangeMembership, fits},
    },
};

/// Servers that are asked, one after the other.
const MAX_CANDIDATES: usize = 8;

/// Somebody of this server who wants to change how they stand to a room elsewhere.
pub(super) struct Wanted {
    pub(super) user_id: OwnedUserId,
    pub(super) room_id: OwnedRoomId,
    /// What goes into the event besides the membership.
    pub(super) content: CanonicalJsonObject,
    /// The room, if it is known here.
    pub(super) room: Option<RoomRow>,
    /// Servers to ask, best first.
    pub(super) candidates: Vec<OwnedServerName>,
}

/// How a user stands to a room.
struct Standing {
    room: Option<RoomRow>,
    member: Option<MemberRow>,
    /// Whether it is for other servers to say what happens in the room.
    is_elsewhere: bool,
    /// Servers that were in the room when something was heard of it.
    servers: Vec<OwnedServerName>,
    name: Option<String>,
    avatar_url: Option<String>,
}

/// Changes a membership where other servers have to be asked. `false`: the room is here, or isn't known at all.
///
/// # Errors
/// `Forbidden` when the other servers refuse it or it doesn't fit, `Elsewhere` when none answers.
pub(crate) async fn change(
    server: &Arc<Server>,
    wanted: &ChangeMembership,
    via: Vec<OwnedServerName>,
) -> Result<bool> {
    let standing = standing(server, wanted).await?;
    if !standing.is_elsewhere {
        return Ok(false);
    }
    let now = standing.member.as_ref().map(|member| member.membership.clone());
    if wanted.change == Change::Leave && now.is_none() {
        return Ok(false);
    }
    // Who was in the room when this server left it, isn't any more.
    let now = match now {
        Some(MembershipState::Join) if wanted.change != Change::Leave => MembershipState::Leave,
        now => now.unwrap_or(MembershipState::Leave),
    };
    let is_barred = now == MembershipState::Ban && wanted.change != Change::Leave;
    if !is_barred && !fits(&wanted.change, &now)? {
        return Ok(true);
    }
    let candidates = candidates(server, wanted, via, &standing);
    if candidates.is_empty() && wanted.change != Change::Leave {
        return Ok(false);
    }
    if wanted.caller.guest {
        return Err(Refusal::GuestAccessForbidden);
    }
    let (name, avatar_url) = match wanted.change {
        Change::Leave => (None, None),
        _ => (standing.name, standing.avatar_url),
    };
    let wanted_ = Wanted {
        user_id: wanted.caller.user_id.clone(),
        room_id: wanted.room_id.clone(),
        content: content(wanted.reason.clone(), name, avatar_url),
        room: standing.room,
        candidates,
    };
    match wanted.change {
        Change::Join => join::join(server, wanted_).await,
        Change::Knock => knock::knock(server, wanted_).await.map(|()| true),
        _ => leave::leave(server, wanted_).await.map(|()| true),
    }
}

async fn standing(server: &Arc<Server>, wanted: &ChangeMembership) -> Result<Standing> {
    let (server_, room_id) = (Arc::clone(server), wanted.room_id.clone());
    let user_id = wanted.caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let mut standing = Standing {
                room: None,
                member: None,
                is_elsewhere: true,
                servers: Vec::new(),
                name: None,
                avatar_url: None,
            };
            if let Some(head) = server_.heads.peek(tx, &room_id).await? {
                let room = head.room.nid;
                standing.member = tx.membership_get(&user_id, room).await?;
                if let Some(member) = &standing.member {
                    standing.servers.push(member.sender.server_name().to_owned());
                }
                if let Some(told) = tx.stripped_state_get(&user_id, room).await? {
                    let via = told.via.split(' ').filter_map(|name| name.try_into().ok());
                    standing.servers.extend(via);
                }
                let there = tx.room_servers(room).await?.into_iter();
                let others: Vec<_> = there
                    .map(|there| there.server)
                    .filter(|name| name != server_.name())
                    .collect();
                // A room that only ever had people of this server is here, even if all of them left.
                standing.is_elsewhere = head.local_joined.is_empty()
                    && (head.room.state == StateNid::default() || !others.is_empty());
                standing.servers.extend(others);
                standing.room = Some(head.room);
            }
            if standing.is_elsewhere {
                let person = person(&server_, tx, &user_id).await?;
                standing.name = person.displayname;
                standing.avatar_url = person.avatar_url.map(|url| url.to_string());
            }
            Ok::<_, Refusal>(standing)
        })
    });
    reading.await
}

/// What goes into an event besides the membership.
fn content(reason: Option<String>, name: Option<String>, avatar_url: Option<String>) -> CanonicalJsonObject {
    let entries = [
        ("reason", reason),
        ("displayname", name),
        ("avatar_url", avatar_url),
    ];
    let there = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), CanonicalJsonValue::String(value?))));
    there.collect()
}

/// The servers to ask: those that the caller names, those that this server heard of, and the one in the room's id.
fn candidates(
    server: &Server,
    wanted: &ChangeMembership,
    via: Vec<OwnedServerName>,
    standing: &Standing,
) -> Vec<OwnedServerName> {
    let mut candidates: Vec<OwnedServerName> = Vec::new();
    let own = wanted.room_id.server_name().map(ToOwned::to_owned);
    // Who invited is in the room; what the caller names may be out of date.
    let told = standing.servers.iter().cloned();
    let all: Vec<OwnedServerName> = match standing.member.as_ref().map(|member| &member.membership) {
        Some(MembershipState::Invite) => told.chain(via).chain(own).collect(),
        _ => via.into_iter().chain(told).chain(own).collect(),
    };
    for name in all {
        let is_new = !candidates.contains(&name);
        if is_new && server.speaks_with(&name) && candidates.len() < MAX_CANDIDATES {
            candidates.push(name);
        }
    }
    candidates
}

/// Whether it is of use to ask another server after this refusal: it may know better.
fn may_know_better(error: &AskError) -> bool {
    match error {
        AskError::Refused { status: 403, .. } => false,
        AskError::Refused { errcode, .. } => errcode.as_deref() != Some("M_INCOMPATIBLE_ROOM_VERSION"),
        _ => true,
    }
}

/// What is told of several refusals: the one that says most.
fn worse(first: Option<Refusal>, next: Refusal) -> Refusal {
    match (first, next) {
        (Some(first @ (Refusal::Forbidden(_) | Refusal::UnsupportedRoomVersion(_))), _) => first,
        (_, next) => next,
    }
}

/// A refusal of a template or of what came after it, for the person who waits.
fn told(error: AskError, room_id: &OwnedRoomId) -> Refusal {
    match error {
        AskError::Refused { errcode, .. } if errcode.as_deref() == Some("M_INCOMPATIBLE_ROOM_VERSION") => {
            Refusal::UnsupportedRoomVersion(format!("that {room_id} has"))
        }
        error => error.into(),
    }
}
