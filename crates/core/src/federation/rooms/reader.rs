//! What another server may read of a room, and in which form.

use std::collections::HashMap;

use rohrpost_room::{Pdu, ServerAcl, ServerAtEvent, may_server_see, redact, visibility::history_visibility};
use rohrpost_store::{EventNid, EventRow, EventStatus, StateNid, StreamPos, Tx};
use ruma::{
    EventId, OwnedServerName, OwnedUserId, RoomId, ServerName,
    events::{
        StateEventType, TimelineEventType,
        room::{history_visibility::HistoryVisibility, member::MembershipState},
    },
};
use serde_json::value::RawValue;

use crate::{
    Refusal, Result, Server,
    rooms::head::{Head, StateKey, pdu},
};

/// Users of the other server whose memberships are looked at where the room's history is open to members alone.
const MAX_PEOPLE: u32 = 500;

/// How another server stands to a room.
pub(crate) struct Reader {
    origin: OwnedServerName,
    /// Since when it has been in the room without a break; `None`: it isn't.
    joined_since: Option<StreamPos>,
    /// The state keys of its users, once they were looked for.
    people: Option<Vec<StateKey>>,
    visibilities: HashMap<StateNid, HistoryVisibility>,
    /// The memberships of its users in states that were looked at.
    memberships: HashMap<StateNid, Vec<MembershipState>>,
    known: HashMap<EventNid, MembershipState>,
    /// Who is to be erased of those in the room, once it was looked for.
    erased: Option<HashMap<OwnedUserId, StreamPos>>,
}

/// The room isn't there for that server: the same words whether it exists or not.
fn not_there() -> Refusal {
    Refusal::Forbidden("your server is not in this room".to_owned())
}

/// The event isn't there for that server: the same words whether it exists, in this room or in another, or not.
pub(crate) fn no_such_event() -> Refusal {
    Refusal::not_found("this event was")
}

/// The room, if it has an access control list that lets the server take part, or none.
///
/// # Errors
/// `Forbidden`.
pub(crate) async fn check_acl(tx: &mut Tx<'_>, head: &mut Head, origin: &ServerName) -> Result<()> {
    let list = head.state(tx, StateEventType::RoomServerAcl, "").await?;
    match ServerAcl::new(list.as_deref()).allows(origin) {
        true => Ok(()),
        false => Err(Refusal::Forbidden(
            "your server is kept out of this room".to_owned(),
        )),
    }
}

impl Reader {
    /// Lets a server into a room to read.
    ///
    /// # Errors
    /// `Forbidden`, in the same words for a room that isn't there; in others if the server is in the room, and kept out
    /// by the room's access control list.
    pub(crate) async fn enter(
        server: &Server,
        tx: &mut Tx<'_>,
        room_id: &RoomId,
        origin: &ServerName,
    ) -> Result<(Head, Self)> {
        let mut head = server.heads.peek(tx, room_id).await?.ok_or_else(not_there)?;
        let joined_since = tx.room_server_get(head.room.nid, origin).await?;
        let joined_since = joined_since.map(|server| server.since);
        if joined_since.is_none() {
            let visibility = head.state(tx, StateEventType::RoomHistoryVisibility, "").await?;
            if history_visibility(visibility.as_deref()) != HistoryVisibility::WorldReadable {
                return Err(not_there());
            }
        }
        check_acl(tx, &mut head, origin).await?;
        let reader = Self {
            origin: origin.to_owned(),
            joined_since,
            people: None,
            visibilities: HashMap::new(),
            memberships: HashMap::new(),
            known: HashMap::new(),
            erased: None,
        };
        Ok((head, reader))
    }

    /// An event of the timeline, whatever the server may see of it.
    ///
    /// # Errors
    /// `NotFound`: also for what was rejected or soft failed, and what is no part of the timeline.
    pub(crate) async fn find(tx: &mut Tx<'_>, head: &Head, event_id: &EventId) -> Result<EventRow> {
        let row = tx.event_get(head.room.nid, event_id).await?;
        row.filter(|row| row.status == EventStatus::Accepted && row.pos.is_some())
            .ok_or_else(no_such_event)
    }

    /// Whether the server may see all of an event that was accepted.
    pub(crate) async fn sees(&mut self, tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<bool> {
        Ok(self.see(tx, head, row).await?.is_none())
    }

    /// An event in the form in which it is given to the server.
    pub(crate) async fn served(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: EventRow,
    ) -> Result<Box<RawValue>> {
        match self.see(tx, head, &row).await? {
            None => raw(row),
            Some(event) => Ok(RawValue::from_string(
                redact(&event, &head.room.version)?.json().to_owned(),
            )?),
        }
    }

    /// `None`: the server may see all of it. Else the event, to be redacted.
    async fn see(&mut self, tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<Option<Pdu>> {
        if self.is_erased(tx, head, row).await? {
            return Ok(Some(pdu(&head.room.room_id, row)?));
        }
        let pos = row.pos.unwrap_or(StreamPos(i64::MIN));
        // Whoever was there when it came, and ever since, sees it under every visibility.
        if self.joined_since.is_some_and(|since| since <= pos) {
            return Ok(None);
        }
        // State that is no part of the timeline belongs to the state that a server in the room is given anyhow.
        if row.pos.is_none() && row.state_key.is_some() && self.joined_since.is_some() {
            return Ok(None);
        }
        let event = pdu(&head.room.room_id, row)?;
        if !row.state_before.is_known() {
            return Ok(Some(event));
        }
        let visibility = self.visibility(tx, head, row.state_before).await?;
        let joined_later = self.joined_since.is_some();
        let mut at = ServerAtEvent::new(&event, &self.origin, visibility, Vec::new(), joined_later);
        if !may_server_see(&at) {
            at.memberships = self.memberships(tx, head, row.state_before).await?;
        }
        Ok((!may_server_see(&at)).then_some(event))
    }

    /// Whether its sender wants to be forgotten, and the server came after that. "Any users [...] which join the room
    /// after the erasure request are served redacted copies of the events sent by this account."
    async fn is_erased(&mut self, tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<bool> {
        if row.state_key.is_some() && row.kind != TimelineEventType::RoomMember.to_string() {
            return Ok(false);
        }
        let erased = match &mut self.erased {
            Some(erased) => erased,
            None => self
                .erased
                .insert(tx.erased_user_list(head.room.nid).await?.into_iter().collect()),
        };
        let since = self.joined_since.unwrap_or(StreamPos(i64::MAX));
        Ok(erased.get(&row.sender).is_some_and(|erased| since > *erased))
    }

    async fn visibility(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        state: StateNid,
    ) -> Result<HistoryVisibility> {
        if let Some(known) = self.visibilities.get(&state) {
            return Ok(known.clone());
        }
        let event = tx
            .state_find(state, &StateEventType::RoomHistoryVisibility, "")
            .await?;
        let rows = tx.event_get_many(head.room.nid, event.as_slice()).await?;
        let event = rows.first().map(|row| pdu(&head.room.room_id, row)).transpose()?;
        let visibility = history_visibility(event.as_ref());
        self.visibilities.insert(state, visibility.clone());
        Ok(visibility)
    }

    /// The memberships of the server's users in a state, each value once.
    async fn memberships(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        state: StateNid,
    ) -> Result<Vec<MembershipState>> {
        if let Some(memberships) = self.memberships.get(&state) {
            return Ok(memberships.clone());
        }
        let people = match &self.people {
            Some(people) => people,
            None => {
                let users = tx
                    .server_people_in(head.room.nid, &self.origin, MAX_PEOPLE)
                    .await?;
                let keys = users
                    .into_iter()
                    .map(|user| (StateEventType::RoomMember, user.into()));
                self.people.insert(keys.collect())
            }
        };
        let events = tx.state_find_each(state, people).await?;
        let unknown: Vec<EventNid> = events
            .iter()
            .filter(|event| !self.known.contains_key(event))
            .copied()
            .collect();
        for row in tx.event_get_many(head.room.nid, &unknown).await? {
            let membership = pdu(&head.room.room_id, &row)?.membership();
            self.known
                .insert(row.nid, membership.unwrap_or(MembershipState::Leave));
        }
        let mut memberships: Vec<MembershipState> = events
            .iter()
            .filter_map(|event| self.known.get(event).cloned())
            .collect();
        memberships.sort_unstable();
        memberships.dedup();
        self.memberships.insert(state, memberships.clone());
        Ok(memberships)
    }
}

/// An event as it is stored: whole, with its signatures.
pub(crate) fn raw(row: EventRow) -> Result<Box<RawValue>> {
    Ok(RawValue::from_string(row.json)?)
}
