//! The state that comes with an invite.

use ruma::{RoomId, RoomVersionId};

use crate::receive::{Unverified, read};

/// How many events may come with an invite. The specification names six types, of which few have many.
pub const MAX_INVITE_STATE: usize = 50;

/// Why the state that came with an invite is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteStateError {
    /// More than [`MAX_INVITE_STATE`] events.
    #[error("more than {MAX_INVITE_STATE} events came with the invite")]
    TooMany,
    /// "The m.room.create event is missing from invite_room_state."
    #[error("no create event of the room came with the invite")]
    NoCreateEvent,
    /// "One or more entries in invite_room_state are not formatted according to the room's version", or don't "reside in
    /// the same room as the invite": a version 12 create event founds another.
    #[error("an event that came with the invite is no event of the room")]
    NotOfRoom,
}

/// Reads `invite_room_state`: whole events since version 12, of which one is the room's create event.
///
/// In versions 10 and 11, where servers "SHOULD warn about invites which fail the validation rather than error", what
/// isn't an event of the room is left out and nothing need be there. Signatures are the caller's next step.
///
/// # Errors
///
/// The invite must be refused; see [`InviteStateError`].
///
/// # Spec
///
/// [Inviting to a room](https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room)
pub fn check_invite_state(
    entries: &[&str],
    room_id: &RoomId,
    version: &RoomVersionId,
) -> Result<Vec<Unverified>, InviteStateError> {
    if entries.len() > MAX_INVITE_STATE {
        return Err(InviteStateError::TooMany);
    }
    let is_strict = !matches!(version, RoomVersionId::V10 | RoomVersionId::V11);
    let mut events = Vec::with_capacity(entries.len());
    for entry in entries {
        match read(entry, room_id, version) {
            Ok(event) => events.push(event),
            Err(_) if !is_strict => {}
            Err(_) => return Err(InviteStateError::NotOfRoom),
        }
    }
    // An event that says itself that it is of this room, as no create event of version 12 does, proves nothing: the room is
    // known by the create event's hash alone.
    let founds = |event: &Unverified| !is_strict || event.event_id().localpart() == room_id.strip_sigil();
    let has_create = events
        .iter()
        .any(|event| event.kind() == "m.room.create" && event.state_key() == Some("") && founds(event));
    match has_create || !is_strict {
        true => Ok(events),
        false => Err(InviteStateError::NoCreateEvent),
    }
}

#[cfg(test)]
mod tests;
