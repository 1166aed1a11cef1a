//! What a room is, in a few words, for those who might join it.

use std::sync::Arc;

use rohrpost_room::{Pdu, visibility::history_visibility};
use rohrpost_store::Tx;
use ruma::{
    OwnedRoomOrAliasId, UInt, UserId,
    events::{
        StateEventType,
        room::{
            avatar::RoomAvatarEventContent,
            canonical_alias::RoomCanonicalAliasEventContent,
            encryption::RoomEncryptionEventContent,
            guest_access::{GuestAccess, RoomGuestAccessEventContent},
            history_visibility::HistoryVisibility,
            member::MembershipState,
            name::RoomNameEventContent,
            topic::RoomTopicEventContent,
        },
    },
    room::{JoinRule, JoinRuleSummary, RestrictedSummary, RoomSummary},
};
use serde::de::DeserializeOwned;

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{
        head::Head,
        membership,
        restricted::{allowed_rooms, join_rule},
    },
};

/// The state that a summary is made of.
const SHOWN: [StateEventType; 8] = [
    StateEventType::RoomName,
    StateEventType::RoomTopic,
    StateEventType::RoomCanonicalAlias,
    StateEventType::RoomAvatar,
    StateEventType::RoomJoinRules,
    StateEventType::RoomHistoryVisibility,
    StateEventType::RoomGuestAccess,
    StateEventType::RoomEncryption,
];

/// A room that the caller may know of, with their membership.
///
/// # Errors
/// `NotFound` when there is no such room, or the caller is neither in it nor could come in or ask to.
///
/// # Spec
/// [Room previews](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias)
pub async fn get(
    server: &Arc<Server>,
    caller: Caller,
    room: OwnedRoomOrAliasId,
) -> Result<(RoomSummary, MembershipState)> {
    let (room_id, _) = membership::resolve(server, &caller, room).await?;
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let not_found = || Refusal::not_found("a room of this address was");
                let mut head = server_.heads.peek(tx, &room_id).await?.ok_or_else(not_found)?;
                if !may_know(tx, &mut head, &caller.user_id).await? {
                    return Err(not_found());
                }
                let member = tx.membership_get(&caller.user_id, head.room.nid).await?;
                let membership = member.map_or(MembershipState::Leave, |member| member.membership);
                Ok((summary(tx, &mut head).await?, membership))
            })
        })
        .await
}

/// Whether a user may know what a room is: they are in it or invited, may join or knock, or everybody may read it.
pub(crate) async fn may_know(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<bool> {
    let visibility = head.state(tx, StateEventType::RoomHistoryVisibility, "").await?;
    if history_visibility(visibility.as_deref()) == HistoryVisibility::WorldReadable {
        return Ok(true);
    }
    let member = tx.membership_get(user_id, head.room.nid).await?;
    match member.map(|member| member.membership) {
        Some(MembershipState::Join | MembershipState::Invite) => return Ok(true),
        Some(MembershipState::Ban) => return Ok(false),
        _ => {}
    }
    match join_rule(tx, head).await? {
        JoinRule::Public | JoinRule::Knock | JoinRule::KnockRestricted(_) => Ok(true),
        rule @ JoinRule::Restricted(_) => Ok(tx.membership_is_in_any(user_id, &allowed_rooms(&rule)).await?),
        _ => Ok(false),
    }
}

/// What a room is.
pub(crate) async fn summary(tx: &mut Tx<'_>, head: &mut Head) -> Result<RoomSummary> {
    let state = head.states(tx, &SHOWN.map(|kind| (kind, String::new()))).await?;
    let event = |kind: StateEventType| state.get(&(kind, String::new())).map(|pdu| &**pdu);
    let joined = tx.membership_count(head.room.nid, &MembershipState::Join).await?;
    let rule = join_rule(tx, head).await?;
    let allowed = RestrictedSummary::new(allowed_rooms(&rule));
    let rule = match rule {
        JoinRule::Restricted(_) => JoinRuleSummary::Restricted(allowed),
        JoinRule::KnockRestricted(_) => JoinRuleSummary::KnockRestricted(allowed),
        JoinRule::Public => JoinRuleSummary::Public,
        JoinRule::Knock => JoinRuleSummary::Knock,
        // Of what nobody understands, nobody comes in without an invitation.
        _ => JoinRuleSummary::Invite,
    };
    let guests = content::<RoomGuestAccessEventContent>(event(StateEventType::RoomGuestAccess));
    let mut summary = RoomSummary::new(
        head.room.room_id.clone(),
        rule,
        guests.is_some_and(|content| content.guest_access == GuestAccess::CanJoin),
        UInt::new_saturating(u64::try_from(joined).unwrap_or(0)),
        history_visibility(event(StateEventType::RoomHistoryVisibility)) == HistoryVisibility::WorldReadable,
    );
    let not_empty = |text: &String| !text.is_empty();
    summary.name = content::<RoomNameEventContent>(event(StateEventType::RoomName))
        .map(|content| content.name)
        .filter(not_empty);
    summary.topic = content::<RoomTopicEventContent>(event(StateEventType::RoomTopic))
        .map(|content| content.topic)
        .filter(not_empty);
    summary.canonical_alias =
        content::<RoomCanonicalAliasEventContent>(event(StateEventType::RoomCanonicalAlias))
            .and_then(|content| content.alias);
    summary.avatar_url =
        content::<RoomAvatarEventContent>(event(StateEventType::RoomAvatar)).and_then(|content| content.url);
    summary.encryption = content::<RoomEncryptionEventContent>(event(StateEventType::RoomEncryption))
        .map(|content| content.algorithm);
    summary.room_type = head.room.kind.as_deref().map(Into::into);
    summary.room_version = Some(head.room.version.clone());
    Ok(summary)
}

/// What members wrote there may be anything; what can't be read isn't there.
fn content<T: DeserializeOwned>(event: Option<&Pdu>) -> Option<T> {
    event.and_then(|pdu| pdu.content_as().ok())
}
