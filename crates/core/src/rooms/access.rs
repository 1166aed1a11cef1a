//! What a user may read of a room: its state, and which of its events.

use std::collections::HashMap;

use rohrpost_room::{AtEvent, Pdu, may_see, redact, visibility::history_visibility};
use rohrpost_store::{EventNid, EventRow, MemberRow, StateNid, StreamPos, Tx};
use ruma::{
    OwnedUserId, UserId,
    events::{
        StateEventType, TimelineEventType,
        room::{history_visibility::HistoryVisibility, member::MembershipState},
    },
};

use crate::{
    Refusal, Result,
    rooms::head::{Head, pdu},
};

/// Changes of a membership that are looked back through for the last time somebody was inside: somebody can be
/// banned and let off again without end.
const MAX_CHANGES: usize = 100;

/// How a user stands to a room.
pub(crate) struct Access {
    pub(crate) member: Option<MemberRow>,
    /// The history visibility and the user's membership in states that were looked at.
    known: HashMap<StateNid, (HistoryVisibility, MembershipState)>,
    /// When the user was inside for the last time, once it was looked for.
    left: Option<Option<MemberRow>>,
    /// Since when members may read all of the history, once it was looked for.
    open_since: Option<Option<StreamPos>>,
    /// Who is to be erased of those in the room, once it was looked for.
    erased: Option<HashMap<OwnedUserId, StreamPos>>,
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
            left: None,
            open_since: None,
            erased: None,
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
        // Whoever only ever refused an invitation was never inside.
        let left = match &self.member {
            Some(member) => last_leave(tx, head, member).await?,
            None => None,
        };
        left.map(ReadableState::AtLeave).ok_or_else(Refusal::not_in_room)
    }

    /// Whether the user was inside after an event, and isn't now.
    async fn was_inside_after(&mut self, tx: &mut Tx<'_>, head: &Head, pos: StreamPos) -> Result<bool> {
        let Some(member) = &self.member else {
            return Ok(false);
        };
        if self.left.is_none() {
            self.left = Some(last_leave(tx, head, member).await?);
        }
        Ok(matches!(&self.left, Some(Some(left)) if left.pos > pos))
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

    /// Whether the user was joined when the event came, and ever since: every visibility allows it then.
    pub(crate) fn was_there(&self, row: &EventRow) -> bool {
        self.is_joined_since(row.pos.unwrap_or(StreamPos(i64::MIN)))
    }

    /// The event, if the user may see it.
    pub(crate) async fn see(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        user_id: &UserId,
        row: EventRow,
    ) -> Result<Option<Seen>> {
        if self.was_there(&row) {
            return Ok(Some(Seen {
                row,
                membership: MembershipState::Join,
            }));
        }
        let pos = row.pos.unwrap_or(StreamPos(i64::MIN));
        let (visibility, membership) = self.at(tx, head, row.state_before, user_id).await?;
        let joined_later = self.joined_later(tx, head, pos).await?;
        let pdu = pdu(&head.room.room_id, &row)?;
        let at = AtEvent::new(&pdu, user_id, visibility, membership, joined_later);
        let membership = at
            .membership_after
            .clone()
            .unwrap_or_else(|| at.membership.clone());
        if !may_see(&at) {
            return Ok(None);
        }
        let row = self.erased(tx, head, row, &pdu).await?;
        Ok(Some(Seen { row, membership }))
    }

    /// The event as it may still be shown. "Any users [...] which join the room after the erasure request are served
    /// redacted copies of the events sent by this account. Users which had visibility on those events prior to the
    /// erasure are still able to see unredacted copies." Of the state it is the names of people alone that are theirs.
    async fn erased(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        mut row: EventRow,
        event: &Pdu,
    ) -> Result<EventRow> {
        if row.state_key.is_some() && *event.kind() != TimelineEventType::RoomMember {
            return Ok(row);
        }
        if self.erased.is_none() {
            let erased = tx.erased_user_list(head.room.nid).await?;
            self.erased = Some(erased.into_iter().collect());
        }
        let erased_pos = self
            .erased
            .as_ref()
            .and_then(|erased| erased.get(&row.sender))
            .copied();
        if let Some(erased_pos) = erased_pos
            && !self.was_inside_by(tx, head, erased_pos).await?
        {
            redact(event, &head.room.version)?
                .json()
                .clone_into(&mut row.json);
        }
        Ok(row)
    }

    /// Whether the user was in the room by then, as far as their last stay tells.
    async fn was_inside_by(&mut self, tx: &mut Tx<'_>, head: &Head, pos: StreamPos) -> Result<bool> {
        let Some(member) = &self.member else {
            return Ok(false);
        };
        if member.membership == MembershipState::Join {
            return Ok(member.since <= pos);
        }
        if self.left.is_none() {
            self.left = Some(last_leave(tx, head, member).await?);
        }
        Ok(matches!(&self.left, Some(Some(left)) if left.pos <= pos))
    }

    /// Whether the user may see a message, of which only its place is known. Never says yes where [`Self::see`]
    /// would say no.
    pub(crate) async fn sees_message(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        user_id: &UserId,
        pos: StreamPos,
        state_before: StateNid,
    ) -> Result<bool> {
        if self.is_joined_since(pos) {
            return Ok(true);
        }
        let (visibility, membership) = self.at(tx, head, state_before, user_id).await?;
        Ok(may_see(&AtEvent {
            visibility,
            visibility_after: None,
            membership,
            membership_after: None,
            joined_later: self.joined_later(tx, head, pos).await?,
        }))
    }

    /// Whether the user may see every message from this place in the timeline on: by having been in the room ever
    /// since, or by being in it while its history has been open to all members ever since.
    pub(crate) async fn sees_all_from(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        pos: StreamPos,
    ) -> Result<bool> {
        if !self.is_joined() {
            return Ok(false);
        }
        if self.is_joined_since(pos) {
            return Ok(true);
        }
        let open_since = match self.open_since {
            Some(open_since) => open_since,
            None => *self.open_since.insert(open_since(tx, head).await?),
        };
        Ok(open_since.is_some_and(|since| since < pos))
    }

    fn is_joined_since(&self, pos: StreamPos) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.membership == MembershipState::Join && member.since <= pos)
    }

    /// Whether the user was in the room at any time after this place.
    async fn joined_later(&mut self, tx: &mut Tx<'_>, head: &Head, pos: StreamPos) -> Result<bool> {
        match &self.member {
            Some(member) if member.membership == MembershipState::Join => Ok(member.since > pos),
            Some(member) if member.pos > pos => self.was_inside_after(tx, head, pos).await,
            _ => Ok(false),
        }
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

/// Since when members may read all of the history: the place of the history visibility that says so.
async fn open_since(tx: &mut Tx<'_>, head: &Head) -> Result<Option<StreamPos>> {
    let event = tx
        .state_current(head.room.nid, &StateEventType::RoomHistoryVisibility, "")
        .await?;
    let Some(row) = load(tx, head, event).await? else {
        // "By default if no history_visibility is set, [...] the visibility is assumed to be shared."
        return Ok(event.is_none().then_some(StreamPos(i64::MIN)));
    };
    let visibility = history_visibility(Some(&pdu(&head.room.room_id, &row)?));
    let is_open = matches!(
        visibility,
        HistoryVisibility::Shared | HistoryVisibility::WorldReadable
    );
    Ok(row.pos.filter(|_| is_open))
}

/// The event by which somebody who isn't inside any more went out for the last time, with what followed left aside:
/// a ban after it, an invitation that was refused.
async fn last_leave(tx: &mut Tx<'_>, head: &Head, member: &MemberRow) -> Result<Option<MemberRow>> {
    let mut later = load(tx, head, Some(member.event)).await?;
    for _ in 0..MAX_CHANGES {
        let Some(row) = later else { return Ok(None) };
        let before = tx
            .state_find(
                row.state_before,
                &StateEventType::RoomMember,
                member.user_id.as_str(),
            )
            .await?;
        let Some(before) = load(tx, head, before).await? else {
            return Ok(None);
        };
        if pdu(&head.room.room_id, &before)?.membership() == Some(MembershipState::Join) {
            return Ok(Some(MemberRow {
                event: row.nid,
                pos: row.pos.unwrap_or(member.pos),
                ..member.clone()
            }));
        }
        later = Some(before);
    }
    Ok(None)
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
