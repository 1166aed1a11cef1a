//! What another server may see of a room, and the form it gets of the rest.

use std::borrow::Cow;

use ruma::events::TimelineEventType;
use ruma::events::room::history_visibility::HistoryVisibility;
use ruma::events::room::member::MembershipState;
use ruma::{RoomVersionId, ServerName, UserId};

use super::{allows, history_visibility};
use crate::pdu::Pdu;
use crate::redact::{RedactError, redact};

/// How things stood for all users of one server at one event.
///
/// # Spec
///
/// [Room history visibility](https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAtEvent {
    /// The room's history visibility in the state before the event.
    pub visibility: HistoryVisibility,
    /// What the event sets the history visibility to, if it is an `m.room.history_visibility` event.
    pub visibility_after: Option<HistoryVisibility>,
    /// The memberships of that server's users in the state before the event, in any order, each once or more; those
    /// who were never in the room may be left out.
    pub memberships: Vec<MembershipState>,
    /// What the event sets the membership of one of that server's users to.
    pub membership_after: Option<MembershipState>,
    /// Whether one of that server's users joined the room at any point after the event.
    pub joined_later: bool,
}

impl ServerAtEvent {
    /// Describes the event for the server from the state before it; what the event itself changes is read from
    /// the event.
    pub fn new(
        pdu: &Pdu,
        server: &ServerName,
        visibility: HistoryVisibility,
        memberships: Vec<MembershipState>,
        joined_later: bool,
    ) -> Self {
        let is_visibility =
            *pdu.kind() == TimelineEventType::RoomHistoryVisibility && pdu.state_key() == Some("");
        let is_of_server = pdu
            .state_key()
            .and_then(|key| UserId::parse(key).ok())
            .is_some_and(|user| user.server_name() == server);
        Self {
            visibility,
            visibility_after: is_visibility.then(|| history_visibility(Some(pdu))),
            memberships,
            membership_after: is_of_server.then(|| pdu.membership()).flatten(),
            joined_later,
        }
    }
}

/// Whether the server may see the whole event: whether one of its users may.
///
/// This is about content. That the server takes part in the room at all is checked before.
///
/// # Spec
///
/// [Room history visibility](https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility),
/// [backfilling](https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events)
pub fn may_server_see(at: &ServerAtEvent) -> bool {
    let visibilities = [Some(&at.visibility), at.visibility_after.as_ref()];
    // A server without anybody there sees what one sees who was never there.
    let nobody = [MembershipState::Leave];
    visibilities.into_iter().flatten().any(|visibility| {
        at.memberships
            .iter()
            .chain(&at.membership_after)
            .chain(&nobody)
            .any(|membership| allows(visibility, membership, at.joined_later))
    })
}

/// The form in which the event is given to the server: whole, or redacted, so that the server can still place it
/// and check what follows.
///
/// # Errors
///
/// The event can't be redacted; see [`RedactError`].
pub fn served<'a>(
    pdu: &'a Pdu,
    version: &RoomVersionId,
    at: &ServerAtEvent,
) -> Result<Cow<'a, Pdu>, RedactError> {
    match may_server_see(at) {
        true => Ok(Cow::Borrowed(pdu)),
        false => redact(pdu, version).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests;
