//! Brings the current state of a room to another state.

use std::{collections::HashMap, sync::Arc};

use rohrpost_room::Pdu;
use rohrpost_store::{EventNid, NewMembership, StateChange, StreamPos, Tx};
use ruma::{
    UserId,
    events::{StateEventType, room::member::MembershipState},
};

use super::place::judged;
use crate::{
    Result, Server,
    rooms::{
        append::{member, set_memberships},
        head::Head,
    },
};

/// Parts of the state that are noted with the head; after more changes at once it is read anew.
const MAX_NOTED: usize = 64;

/// Writes where the current state changes, and what that makes of people. Wakes those of this server whom it concerns.
/// Events that are at hand already needn't be read.
pub(crate) async fn shift(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    changes: &[StateChange],
    mut events: HashMap<EventNid, Arc<Pdu>>,
    pos: StreamPos,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    tx.state_current_change(head.room.nid, changes, pos).await?;
    let nids: Vec<EventNid> = changes
        .iter()
        .filter_map(|change| change.new)
        .filter(|nid| !events.contains_key(nid))
        .collect();
    for row in tx.event_get_many(head.room.nid, &nids).await? {
        events.insert(row.nid, Arc::new(judged(head, &row)?));
    }
    if changes.len() > MAX_NOTED {
        head.forget_states();
    }
    let mut gone = Vec::new();
    for change in changes {
        match change.new.and_then(|nid| events.get(&nid)) {
            Some(event) => {
                if changes.len() <= MAX_NOTED {
                    head.put_state(event);
                }
                if change.kind == StateEventType::RoomEncryption && change.state_key.is_empty() {
                    head.room.ever_encrypted = true;
                }
            }
            None => {
                head.forget_state(&change.kind, &change.state_key);
                if change.kind == StateEventType::RoomMember {
                    gone.extend(change.old);
                }
            }
        }
    }
    let mut numbers = HashMap::new();
    let mut members: Vec<(&Pdu, &UserId)> = Vec::new();
    for nid in changes.iter().filter_map(|change| change.new) {
        if let Some(event) = events.get(&nid)
            && let Some(user_id) = member(event)
        {
            numbers.insert(event.event_id(), (nid, pos));
            members.push((event, user_id));
        }
    }
    // Each of them was put there right before.
    let place = |pdu: &Pdu| numbers.get(pdu.event_id()).copied().unwrap_or((EventNid(0), pos));
    set_memberships(server, tx, head, &members, place).await?;
    for (_, user_id) in members.iter().filter(|(_, user_id)| server.is_local(user_id)) {
        tx.wake_user(user_id);
    }
    leave(server, tx, head, &gone, pos).await
}

/// Whose member event a resolution took out of the state isn't in the room.
async fn leave(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    gone: &[EventNid],
    pos: StreamPos,
) -> Result<()> {
    for row in tx.event_get_many(head.room.nid, gone).await? {
        let Some(Ok(user_id)) = row.state_key.as_deref().map(<&UserId>::try_from) else {
            continue;
        };
        let is_local = server.is_local(user_id);
        let left = NewMembership {
            user_id,
            membership: &MembershipState::Leave,
            event: row.nid,
            sender: &row.sender,
            pos,
            is_direct: false,
            is_local,
        };
        tx.membership_put(head.room.nid, &left).await?;
        if is_local {
            let joined = head.local_joined.iter().filter(|joined| **joined != *user_id);
            head.local_joined = joined.cloned().collect();
            tx.wake_user(user_id);
        }
    }
    Ok(())
}
