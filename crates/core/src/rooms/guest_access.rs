//! Which rooms take guests, and what becomes of guests when a room takes them no more.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#guest-access>

use rohrpost_room::{NewEvent, Pdu};
use rohrpost_store::Tx;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, UserId,
    events::{
        StateEventType, TimelineEventType,
        room::{
            guest_access::{GuestAccess, RoomGuestAccessEventContent},
            member::MembershipState,
        },
    },
};

use super::{append::append, head::Head};
use crate::{Refusal, Result, Server};

/// Refuses that a guest of this server comes into a room, or is invited to one, that doesn't take guests.
///
/// # Errors
/// `GuestAccessForbidden`.
pub(super) async fn check(server: &Server, tx: &mut Tx<'_>, head: &mut Head, pdu: &Pdu) -> Result<()> {
    let comes_in = matches!(
        pdu.membership(),
        Some(MembershipState::Join | MembershipState::Invite | MembershipState::Knock)
    );
    if *pdu.kind() != TimelineEventType::RoomMember || !comes_in {
        return Ok(());
    }
    let Some(Ok(user_id)) = pdu.state_key().map(<&UserId>::try_from) else {
        return Ok(());
    };
    if server.is_local(user_id) && tx.guest_is(user_id).await? && !can_join(tx, head).await? {
        return Err(Refusal::GuestAccessForbidden);
    }
    Ok(())
}

async fn can_join(tx: &mut Tx<'_>, head: &mut Head) -> Result<bool> {
    let event = head.state(tx, StateEventType::RoomGuestAccess, "").await?;
    let content = event.and_then(|event| event.content_as::<RoomGuestAccessEventContent>().ok());
    Ok(content.is_some_and(|content| content.guest_access == GuestAccess::CanJoin))
}

/// "If the `m.room.guest_access` event is changed to stop this from being the case, the server MUST set those users'
/// `m.room.member` state to `leave`." For after that event came, or was redacted: in the same transaction, so that no
/// guest says anything in between.
pub(crate) async fn send_out(server: &Server, tx: &mut Tx<'_>, head: &mut Head, changed: &Pdu) -> Result<()> {
    if can_join(tx, head).await? {
        return Ok(());
    }
    for user_id in tx.guest_list_joined(head.room.nid).await? {
        let leave = CanonicalJsonValue::String(MembershipState::Leave.to_string());
        let new = NewEvent {
            kind: TimelineEventType::RoomMember,
            state_key: Some(user_id.to_string()),
            content: CanonicalJsonObject::from([("membership".into(), leave)]),
            sender: user_id,
            redacts: None,
            origin_server_ts: changed.origin_server_ts(),
        };
        Box::pin(append(server, tx, head, new, None)).await?;
    }
    Ok(())
}
