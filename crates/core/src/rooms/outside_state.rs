//! What somebody outside a room may know of it: who is invited, or knocks.

use rohrpost_store::{EventRow, RoomNid, Tx};
use ruma::{UserId, events::StateEventType};

use crate::Result;

/// The state of a room that somebody outside may know.
///
/// <https://spec.matrix.org/v1.19/client-server-api/#stripped-state>
const SHOWN: [StateEventType; 7] = [
    StateEventType::RoomCreate,
    StateEventType::RoomName,
    StateEventType::RoomAvatar,
    StateEventType::RoomTopic,
    StateEventType::RoomJoinRules,
    StateEventType::RoomCanonicalAlias,
    StateEventType::RoomEncryption,
];

/// That state, with the member events of some people.
pub(crate) async fn outside_state(
    tx: &mut Tx<'_>,
    room: RoomNid,
    people: &[&UserId],
) -> Result<Vec<EventRow>> {
    let mut keys: Vec<_> = SHOWN.into_iter().map(|kind| (kind, String::new())).collect();
    keys.extend(
        people
            .iter()
            .map(|user| (StateEventType::RoomMember, user.to_string())),
    );
    // Who knocks does so themselves.
    keys.dedup();
    Ok(tx.state_current_events(room, &keys).await?)
}
