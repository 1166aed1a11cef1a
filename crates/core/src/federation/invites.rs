//! Invites people of other servers.
//!
//! The invite is built on the head of the room, signed, and given to the invited person's server, which signs it too.
//! Only then it comes into the room, as any event that follows what was the head a moment ago. While the other server is
//! waited for, nothing is locked and nothing is kept.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use rohrpost_room::{NewEvent, Pdu, Place, auth_types, build, handshake::check_countersigned};
use rohrpost_store::Tx;
use ruma::{
    CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomVersionId,
    api::federation::membership::{RawStrippedState, create_invite::v2::Request},
    events::{TimelineEventType, room::member::MembershipState},
    signatures::PublicKeyMap,
};
use serde_json::value::RawValue;

use crate::{
    Refusal, Result, Server,
    federation::{
        accept::{Outcome, accept},
        ask::AskError,
        rooms::reader::{check_acl, raw},
        server_keys::keys_at,
    },
    rooms::{
        head::pdu,
        membership::{Change, fits, membership_now},
        outside_state::outside_state,
    },
};

/// Invites that go out at the same time for a new room: each makes a fork of its history that is brought together again.
const AT_ONCE: usize = 4;
/// How long a new room waits for the servers of all people that are invited to it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An invitation of somebody of another server.
#[derive(Clone)]
pub(crate) struct Invite {
    /// Who invites.
    pub(crate) sender: OwnedUserId,
    /// Where to.
    pub(crate) room_id: OwnedRoomId,
    /// Who is invited.
    pub(crate) user_id: OwnedUserId,
    /// What the invite says besides the membership.
    pub(crate) content: CanonicalJsonObject,
    /// When.
    pub(crate) now: MilliSecondsSinceUnixEpoch,
}

/// An invite that is to be signed by the other server.
struct Draft {
    version: RoomVersionId,
    event: Pdu,
    /// What the invited person may know of the room, as whole events.
    state: Vec<Box<RawValue>>,
}

/// Invites somebody of another server; answers the id of the event.
///
/// # Errors
/// `Forbidden` when the sender isn't in the room or may not invite, the person is in it or the other server doesn't want
/// it; `InviteBlocked`, `NotFound` as the other server says; `Elsewhere` when it doesn't answer in order. Nothing was
/// kept.
pub(crate) async fn invite(server: &Arc<Server>, invite: Invite) -> Result<OwnedEventId> {
    let destination = invite.user_id.server_name().to_owned();
    let server_ = Arc::clone(server);
    let drafting = server
        .store
        .read(move |tx| Box::pin(async move { draft(&server_, tx, invite).await }));
    let Draft {
        version,
        event,
        state,
    } = drafting.await?;
    let request = Request::new(
        event.room_id().to_owned(),
        event.event_id().to_owned(),
        version.clone(),
        RawValue::from_string(event.json().to_owned())?,
        state.into_iter().map(RawStrippedState::Pdu).collect(),
    );
    let answer = server.ask(&destination, request).await.map_err(refused)?;
    let nonsense = |error: &dyn std::fmt::Display| {
        tracing::debug!(%error, "an invite isn't signed as it must be");
        Refusal::Elsewhere("the other server did not sign the invitation".to_owned())
    };
    let signed = check_countersigned(answer.event.get(), &event, &version, &destination)
        .map_err(|error| nonsense(&error))?;
    let at_ts = i64::from(event.origin_server_ts().0);
    let keys = keys_at(server, &destination, &signed.key_ids(), at_ts).await?;
    let keys = PublicKeyMap::from([(destination.to_string(), keys)]);
    let invite = signed.verify(&keys).map_err(|error| nonsense(&error))?;
    let outcomes = accept(server, event.room_id(), &[Arc::new(invite)]).await?;
    match outcomes.into_iter().next() {
        Some(Outcome::Accepted | Outcome::Known) => Ok(event.event_id().to_owned()),
        Some(Outcome::SoftFailed(reason) | Outcome::Rejected(reason)) => {
            Err(Refusal::Forbidden(format!("not allowed in this room: {reason}")))
        }
        Some(Outcome::Missing { .. }) | None => {
            Err(Refusal::Internal("an invite follows what isn't there".to_owned()))
        }
    }
}

/// Invites several people to a room that was just made. Who can't be invited now isn't: the room is there all the same, and
/// they can be invited again.
pub(crate) async fn invite_all(server: &Arc<Server>, invites: Vec<Invite>) {
    let inviting = stream::iter(invites)
        .map(|wanted| invite(server, wanted))
        .buffer_unordered(AT_ONCE)
        .for_each(async |invited| {
            if let Err(refusal) = invited {
                tracing::info!(%refusal, "somebody of another server could not be invited to a new room");
            }
        });
    if tokio::time::timeout(PATIENCE, inviting).await.is_err() {
        tracing::info!("not all people of other servers could be invited to a new room in time");
    }
}

async fn draft(server: &Server, tx: &mut Tx<'_>, invite: Invite) -> Result<Draft> {
    let Invite {
        sender,
        room_id,
        user_id,
        mut content,
        now,
    } = invite;
    let mut head = server.heads.read(tx, &room_id).await?;
    if head.local_joined.binary_search(&sender).is_err() {
        return Err(Refusal::not_in_room());
    }
    let target = membership_now(tx, &head, &user_id).await?;
    let target = target.unwrap_or(MembershipState::Leave);
    fits(&Change::Invite(user_id.clone()), &target)?;
    if check_acl(tx, &mut head, user_id.server_name()).await.is_err() {
        return Err(Refusal::Forbidden("this room keeps that server out".to_owned()));
    }
    content.insert(
        "membership".to_owned(),
        MembershipState::Invite.to_string().into(),
    );
    let new = NewEvent {
        kind: TimelineEventType::RoomMember,
        state_key: Some(user_id.to_string()),
        content,
        sender: sender.clone(),
        redacts: None,
        origin_server_ts: now,
    };
    let version = head.room.version.clone();
    let rules =
        rohrpost_room::rules(&version).ok_or_else(|| Refusal::UnsupportedRoomVersion(version.to_string()))?;
    let state = head.states(tx, &auth_types(&new, rules)?).await?;
    let place = Place {
        version: &version,
        room_id: Some(&head.room.room_id),
        prev_events: &head.extremities,
        depth: u64::try_from(head.room.depth).unwrap_or(0) + 1,
    };
    let event = build(new, place, &state, server.name(), &server.key)?;
    let mut state = Vec::new();
    for row in outside_state(tx, head.room.nid, &[&sender]).await? {
        // What others wrote isn't sent on if it can't be read.
        pdu(&room_id, &row)?;
        state.push(raw(row)?);
    }
    Ok(Draft {
        version,
        event,
        state,
    })
}

/// What the other server's refusal means for who invites.
fn refused(error: AskError) -> Refusal {
    let AskError::Refused { errcode, text, .. } = &error else {
        return error.into();
    };
    match errcode.as_deref() {
        Some("M_INVITE_BLOCKED") => Refusal::InviteBlocked,
        Some("M_UNSUPPORTED_ROOM_VERSION" | "M_INCOMPATIBLE_ROOM_VERSION") => {
            Refusal::UnknownRoomVersionThere
        }
        Some("M_LIMIT_EXCEEDED") => {
            Refusal::Elsewhere("the other server takes no more invitations now".to_owned())
        }
        Some("M_FORBIDDEN" | "M_INVALID_PARAM" | "M_BAD_JSON" | "M_UNKNOWN") => {
            let text = text.clone().unwrap_or_default();
            Refusal::Forbidden(format!("the other server refused the invitation: {text}"))
        }
        _ => error.into(),
    }
}
