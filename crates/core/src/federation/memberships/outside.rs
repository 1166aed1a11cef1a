//! Keeps the membership of somebody here in a room that nobody here is in: an event without a place in any timeline, and
//! what its user may know of the room.

use std::sync::Arc;

use rohrpost_room::Pdu;
use rohrpost_store::{
    EventNid, EventStatus, NewEventRow, NewMembership, NewRoom, RoomNid, StateNid, StrippedState, Tx, Work,
};
use ruma::{OwnedUserId, RoomVersionId, events::room::member::MembershipState};
use serde::Deserialize;

use crate::{Refusal, Result, Server};

/// A membership from outside.
pub(crate) struct Outside {
    pub(crate) server: Arc<Server>,
    pub(crate) user_id: OwnedUserId,
    pub(crate) version: RoomVersionId,
    pub(crate) event: Arc<Pdu>,
    /// What the user may know of the room; `None`: nothing any more.
    pub(crate) told: Option<StrippedState>,
    /// Whether the event is ours, and another server tells the others of it.
    pub(crate) is_ours: bool,
}

impl Work for Outside {
    /// Whether it was kept: not if somebody here came into the room meanwhile, which hears of it by itself.
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        #[derive(Deserialize)]
        struct Content {
            #[serde(default)]
            is_direct: bool,
        }
        let event = &self.event;
        let room = known_room(tx, event.room_id(), &self.version, None).await?;
        let head = self.server.heads.lock(tx, event.room_id()).await?;
        if !head.local_joined.is_empty() {
            return Ok(false);
        }
        let pos = tx.pos_next().await?;
        let known = tx.event_numbers(room, [event.event_id()]).await?;
        let nid = match known.first() {
            Some((_, nid)) => *nid,
            None => {
                let nid = EventNid(pos.0);
                let kind = event.kind().to_string();
                let row = NewEventRow {
                    nid,
                    event_id: event.event_id(),
                    pos: None,
                    kind: &kind,
                    state_key: event.state_key(),
                    sender: event.sender(),
                    origin_server_ts: i64::from(event.origin_server_ts().0),
                    state_before: StateNid::UNKNOWN,
                    status: EventStatus::Accepted,
                    txn: None,
                    replaces: None,
                    json: event.json(),
                };
                tx.event_insert(room, &row).await?;
                nid
            }
        };
        if self.is_ours {
            tx.outbox_pass(nid, false).await?;
        }
        let membership = event.membership().unwrap_or(MembershipState::Leave);
        let new = NewMembership {
            user_id: &self.user_id,
            membership: &membership,
            event: nid,
            sender: event.sender(),
            pos,
            is_direct: event
                .content_as::<Content>()
                .is_ok_and(|content| content.is_direct),
            is_local: true,
        };
        tx.membership_put(room, &new).await?;
        match &self.told {
            Some(told) => tx.stripped_state_put(&self.user_id, room, told).await?,
            None => tx.stripped_state_delete(&self.user_id, room).await?,
        }
        tx.wake_user(&self.user_id);
        Ok(true)
    }
}

/// The number of a room, which is made known if it isn't.
///
/// # Errors
/// `Elsewhere` when it is known with another version.
pub(super) async fn known_room(
    tx: &mut Tx<'_>,
    room_id: &ruma::RoomId,
    version: &RoomVersionId,
    kind: Option<&str>,
) -> Result<RoomNid> {
    match tx.room_lock(room_id).await? {
        // Whoever invited first may have said anything, or nothing.
        Some(room) if room.state == StateNid::default() => {
            tx.room_set_version(room.nid, version, kind).await?;
            Ok(room.nid)
        }
        Some(room) if room.version == *version => Ok(room.nid),
        Some(_) => Err(Refusal::Elsewhere(
            "the other server says another version of the room than before".to_owned(),
        )),
        None => {
            let new = NewRoom {
                room_id: room_id.to_owned(),
                version: version.clone(),
                kind: kind.map(ToOwned::to_owned),
                is_public: false,
            };
            Ok(tx.room_insert(&new).await?)
        }
    }
}
