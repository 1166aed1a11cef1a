//! What a user may read of a room: its state, and which of its events.

use std::collections::HashMap;

use rohrpost_room::{AtEvent, may_see, visibility::history_visibility};
use rohrpost_store::{EventNid, EventRow, MemberRow, StateNid, StreamPos, Tx};
use ruma::{
    UserId,
    events::{
        StateEventType,
        room::{history_visibility::HistoryVisibility, member::MembershipState},
    },
};

use crate::{
    Refusal, Result,
    rooms::head::{Head, pdu},
};

/// How a user stands to a room.
pub(crate) struct Access {
    pub(crate) member: Option<MemberRow>,
    /// The history visibility and the user's membership in states that were looked at.
    known: HashMap<StateNid, (HistoryVisibility, MembershipState)>,
}

/// Which state of a room a user may read.
pub(crate) enum ReadableState {
    /// The present one.
    Current,
    /// The one in which they left.
    AtLeave(MemberRow),
}

impl ReadableState {
    /// The number of the state: the present one, or the one that the leave found.
    pub(crate) async fn nid(&self, tx: &mut Tx<'_>, head: &Head) -> Result<StateNid> {
        let Self::AtLeave(left) = self else {
            return Ok(head.room.state);
        };
        let row = load(tx, head, Some(left.event)).await?;
        Ok(row.map_or(StateNid(0), |row| row.state_before))
    }
}

/// An event that the user may see.
pub(crate) struct Seen {
    pub(crate) row: EventRow,
    /// The user's membership at the event.
    pub(crate) membership: MembershipState,
}

impl Access {
    pub(crate) async fn of(tx: &mut Tx<'_>, head: &Head, user_id: &UserId) -> Result<Self> {
        let member = tx.membership_get(user_id, head.room.nid).await?;
        Ok(Self {
            member: member.filter(|member| !member.forgotten),
            known: HashMap::new(),
        })
    }

    fn membership(&self) -> MembershipState {
        self.member
            .as_ref()
            .map_or(MembershipState::Leave, |member| member.membership.clone())
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.membership() == MembershipState::Join
    }

    /// The state that may be read: of a room one is in, as it is; of a room one left, as it was then; of a
    /// world-readable room, as it is.
    ///
    /// # Errors
    /// `Forbidden`, in the same words as for a room that isn't there.
    pub(crate) async fn state(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<ReadableState> {
        if self.is_joined() {
            return Ok(ReadableState::Current);
        }
        let visibility = head.state(tx, StateEventType::RoomHistoryVisibility, "").await?;
        if history_visibility(visibility.as_deref()) == HistoryVisibility::WorldReadable {
            return Ok(ReadableState::Current);
        }
        match &self.member {
            Some(member) if matches!(member.membership, MembershipState::Leave | MembershipState::Ban) => {
                // Whoever only ever refused an invitation was never inside.
                let was_inside = self.was_joined_before(tx, head, member).await?;
                was_inside
                    .then(|| ReadableState::AtLeave(member.clone()))
                    .ok_or_else(Refusal::not_in_room)
            }
            _ => Err(Refusal::not_in_room()),
        }
    }

    async fn was_joined_before(&self, tx: &mut Tx<'_>, head: &Head, left: &MemberRow) -> Result<bool> {
        let rows = tx.event_get_many(head.room.nid, &[left.event]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        Ok(membership_at(tx, head, row.state_before, &left.user_id).await? == MembershipState::Join)
    }

    /// Keeps the events that the user may see.
    pub(crate) async fn filter(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        user_id: &UserId,
        rows: Vec<EventRow>,
    ) -> Result<Vec<Seen>> {
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            seen.extend(self.see(tx, head, user_id, row).await?);
        }
        Ok(seen)
    }

    /// The event, if the user may see it.
    pub(crate) async fn see(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        user_id: &UserId,
        row: EventRow,
    ) -> Result<Option<Seen>> {
        let pos = row.pos.unwrap_or(StreamPos(i64::MIN));
        if let Some(member) = &self.member
            && member.membership == MembershipState::Join
            && member.since <= pos
        {
            // Joined then and ever since: every visibility allows it.
            return Ok(Some(Seen {
                row,
                membership: MembershipState::Join,
            }));
        }
        let (visibility, membership) = self.at(tx, head, row.state_before, user_id).await?;
        let joined_later = match &self.member {
            Some(member) if member.membership == MembershipState::Join => member.since > pos,
            Some(member) if member.pos > pos => self.was_joined_before(tx, head, member).await?,
            _ => false,
        };
        let pdu = pdu(&head.room.room_id, &row)?;
        let at = AtEvent::new(&pdu, user_id, visibility, membership, joined_later);
        let membership = at
            .membership_after
            .clone()
            .unwrap_or_else(|| at.membership.clone());
        Ok(may_see(&at).then_some(Seen { row, membership }))
    }

    async fn at(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        state: StateNid,
        user_id: &UserId,
    ) -> Result<(HistoryVisibility, MembershipState)> {
        if let Some(known) = self.known.get(&state) {
            return Ok(known.clone());
        }
        let event = tx
            .state_find(state, &StateEventType::RoomHistoryVisibility, "")
            .await?;
        let visibility = match load(tx, head, event).await? {
            Some(row) => history_visibility(Some(&pdu(&head.room.room_id, &row)?)),
            None => HistoryVisibility::Shared,
        };
        let membership = membership_at(tx, head, state, user_id).await?;
        self.known.insert(state, (visibility.clone(), membership.clone()));
        Ok((visibility, membership))
    }
}

async fn load(tx: &mut Tx<'_>, head: &Head, event: Option<EventNid>) -> Result<Option<EventRow>> {
    let Some(nid) = event else { return Ok(None) };
    Ok(tx.event_get_many(head.room.nid, &[nid]).await?.into_iter().next())
}

async fn membership_at(
    tx: &mut Tx<'_>,
    head: &Head,
    state: StateNid,
    user_id: &UserId,
) -> Result<MembershipState> {
    let event = tx
        .state_find(state, &StateEventType::RoomMember, user_id.as_str())
        .await?;
    let Some(row) = load(tx, head, event).await? else {
        return Ok(MembershipState::Leave);
    };
    Ok(pdu(&head.room.room_id, &row)?
        .membership()
        .unwrap_or(MembershipState::Leave))
}
