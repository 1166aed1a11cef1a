//! Whether a user may see an event, by the room's history visibility when the event was sent.
//!
//! Only the rule is here. The caller knows the state at the event and the user's later memberships; what a
//! user may see of a room that they were never in is always `world_readable` or nothing. Start with
//! [`may_see`]; what another server may see is [`may_server_see`].

mod server;

use ruma::UserId;
use ruma::events::TimelineEventType;
use ruma::events::room::history_visibility::HistoryVisibility;
use ruma::events::room::member::MembershipState;
use serde::Deserialize;

use crate::pdu::Pdu;

pub use server::{ServerAtEvent, may_server_see, served};

/// How things stood for one user at one event.
///
/// # Spec
///
/// [Room history visibility](https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtEvent {
    /// The room's history visibility in the state before the event.
    pub visibility: HistoryVisibility,
    /// What the event sets the history visibility to, if it is an `m.room.history_visibility` event.
    pub visibility_after: Option<HistoryVisibility>,
    /// The user's membership in the state before the event; `leave` for one who was never in the room.
    pub membership: MembershipState,
    /// What the event sets the user's membership to, if it is the user's own `m.room.member` event.
    pub membership_after: Option<MembershipState>,
    /// Whether the user joined the room at any point after the event, also if they have left since.
    pub joined_later: bool,
}

impl AtEvent {
    /// Describes the event for the user from the state before it; what the event itself changes is read from
    /// the event.
    pub fn new(
        pdu: &Pdu,
        user: &UserId,
        visibility: HistoryVisibility,
        membership: MembershipState,
        joined_later: bool,
    ) -> Self {
        let is_visibility =
            *pdu.kind() == TimelineEventType::RoomHistoryVisibility && pdu.state_key() == Some("");
        let is_own_membership = pdu.state_key() == Some(user.as_str());
        Self {
            visibility,
            visibility_after: is_visibility.then(|| history_visibility(Some(pdu))),
            membership,
            membership_after: is_own_membership.then(|| pdu.membership()).flatten(),
            joined_later,
        }
    }
}

/// Whether the user may see the event.
///
/// # Spec
///
/// [Room history visibility](https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility)
pub fn may_see(at: &AtEvent) -> bool {
    // "the user should be allowed to see the event if the history_visibility before or after the event would
    // allow them to see it", and likewise for the membership.
    let visibilities = [Some(&at.visibility), at.visibility_after.as_ref()];
    let memberships = [Some(&at.membership), at.membership_after.as_ref()];
    visibilities.into_iter().flatten().any(|visibility| {
        memberships
            .into_iter()
            .flatten()
            .any(|m| allows(visibility, m, at.joined_later))
    })
}

/// The value of the room's `m.room.history_visibility` event.
///
/// "By default if no history_visibility is set, or if the value is not understood, the visibility is assumed
/// to be shared."
pub fn history_visibility(event: Option<&Pdu>) -> HistoryVisibility {
    #[derive(Deserialize)]
    struct Content {
        history_visibility: HistoryVisibility,
    }
    match event.map(Pdu::content_as::<Content>) {
        Some(Ok(content)) => content.history_visibility,
        Some(Err(_)) | None => HistoryVisibility::Shared,
    }
}

fn allows(visibility: &HistoryVisibility, membership: &MembershipState, joined_later: bool) -> bool {
    // Rules 1 to 5 in the specification's order.
    match (visibility, membership) {
        (HistoryVisibility::WorldReadable, _) | (_, MembershipState::Join) => true,
        (HistoryVisibility::Invited, membership) => *membership == MembershipState::Invite,
        (HistoryVisibility::Joined, _) => false,
        // `shared`, and every value that isn't understood.
        _ => joined_later,
    }
}

#[cfg(test)]
mod tests;
