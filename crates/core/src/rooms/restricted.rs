//! Rooms that members of other rooms may join: whether somebody is a member there, and who lets them in.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms>

use rohrpost_store::Tx;
use ruma::{
    OwnedRoomId, OwnedUserId, UserId,
    events::{
        StateEventType,
        room::{join_rules::RoomJoinRulesEventContent, member::MembershipState},
    },
    room::{AllowRule, JoinRule, Restricted},
};

use crate::{Result, rooms::head::Head};

/// The key of a member event that says who lets somebody in.
pub(crate) const HOST_KEY: &str = "join_authorised_via_users_server";
/// Rooms that are looked at: anybody with power in a room can write a long list.
const MAX_ALLOWED: usize = 100;

/// The present join rule of a room.
pub(crate) async fn join_rule(tx: &mut Tx<'_>, head: &mut Head) -> Result<JoinRule> {
    let event = head.state(tx, StateEventType::RoomJoinRules, "").await?;
    let content = event.and_then(|pdu| pdu.content_as::<RoomJoinRulesEventContent>().ok());
    Ok(content.map_or(JoinRule::Invite, |content| content.join_rule))
}

/// The rooms whose members may join.
pub(crate) fn allowed_rooms(rule: &JoinRule) -> Vec<OwnedRoomId> {
    let (JoinRule::Restricted(Restricted { allow, .. })
    | JoinRule::KnockRestricted(Restricted { allow, .. })) = rule
    else {
        return Vec::new();
    };
    let rooms = allow.iter().filter_map(|rule| match rule {
        AllowRule::RoomMembership(membership) => Some(membership.room_id.clone()),
        _ => None,
    });
    rooms.take(MAX_ALLOWED).collect()
}

/// Who lets a user of another server in.
pub(crate) enum Host {
    /// Nobody needs to: they are invited or in already, or the room's rule is another.
    NotNeeded,
    /// They are in one of the rooms whose members are welcome, and this user of this server may let them in.
    User(OwnedUserId),
    /// They are in one of those rooms, but nobody of this server may let them in.
    NobodyMay,
    /// They are in none of those rooms.
    NotWelcome,
    /// They are in none of those rooms that this server is in, too.
    Unknown,
}

/// Who lets a user of another server in whom nobody invited.
pub(crate) async fn host_for_other(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<Host> {
    let rule = join_rule(tx, head).await?;
    if !matches!(rule, JoinRule::Restricted(_) | JoinRule::KnockRestricted(_)) {
        return Ok(Host::NotNeeded);
    }
    let member = tx.membership_get(user_id, head.room.nid).await?;
    if member.is_some_and(|member| needs_nobody(&member.membership)) {
        return Ok(Host::NotNeeded);
    }
    let rooms = allowed_rooms(&rule);
    // What is known of a room that this server left may be long over.
    let here = tx.membership_local_rooms(&rooms).await?;
    if !tx.membership_is_in_any(user_id, &here).await? {
        return Ok(match here.len() == rooms.len() {
            true => Host::NotWelcome,
            false => Host::Unknown,
        });
    }
    let power = head.power(tx).await?;
    let host = head.local_joined.iter().find(|host| power.may_invite(host));
    Ok(host.cloned().map_or(Host::NobodyMay, Host::User))
}

fn needs_nobody(membership: &MembershipState) -> bool {
    matches!(
        membership,
        MembershipState::Join | MembershipState::Invite | MembershipState::Ban
    )
}

/// Who lets a user in whom nobody invited: the first in the room who may invite, if the user is in one of the rooms
/// whose members are welcome. `None`: nobody needs to, or nobody may.
pub(crate) async fn host(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<Option<OwnedUserId>> {
    let rooms = allowed_rooms(&join_rule(tx, head).await?);
    if rooms.is_empty() {
        return Ok(None);
    }
    let member = tx.membership_get(user_id, head.room.nid).await?;
    if member.is_some_and(|member| needs_nobody(&member.membership))
        || !tx.membership_is_in_any(user_id, &rooms).await?
    {
        return Ok(None);
    }
    let power = head.power(tx).await?;
    Ok(head
        .local_joined
        .iter()
        .find(|host| power.may_invite(host))
        .cloned())
}
