//! Finds the place of one event in its room, inside a unit of work.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rohrpost_room::{
    AuthState, Encryption, Pdu, RoomEncryption, check_send,
    receive::{AuthEventsError, Verdict, auth_state, judge, needed_state},
};
use rohrpost_store::{
    EventNid, EventRow, EventStatus, NewEventRow, Settled, StateChange, StateNid, StatePair, StreamPos, Tx,
};
use ruma::{
    CanonicalJsonObject, EventId, OwnedEventId,
    events::{StateEventType, TimelineEventType},
};

use super::{Outcome, resolve::ResolvedStates, shift::shift};
use crate::{
    Result, Server,
    rooms::{
        append::{advance, enter, redact_row},
        guest_access,
        head::{Head, StateKey, pdu},
    },
};

/// Forward extremities of a room. Whoever makes many forks at once loses the oldest ends; the next event that follows them
/// brings their state back.
const MAX_EXTREMITIES: usize = 16;
/// Rejected and soft failed events that are looked back through for what an event follows.
const MAX_FAILED: usize = 100;

pub(super) enum Step {
    /// It is decided.
    Done(Outcome),
    /// These states have to be resolved first.
    Resolve(BTreeSet<StateNid>),
}

/// Whether nothing more will become of an event: it is in the timeline, or it isn't let in.
pub(super) fn is_placed(row: &EventRow) -> bool {
    row.pos.is_some() || row.status != EventStatus::Accepted
}

/// Places an event: checks it, finds the state before and after it, and moves the head of the room.
pub(super) async fn place(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    new: &Arc<Pdu>,
    resolved: &ResolvedStates,
) -> Result<Step> {
    let known = tx.event_get(head.room.nid, new.event_id()).await?;
    if known.as_ref().is_some_and(is_placed) {
        return Ok(Step::Done(Outcome::Known));
    }
    // What was known may have been redacted since.
    let pdu = match &known {
        Some(row) => Arc::new(pdu(&head.room.room_id, row)?),
        None => Arc::clone(new),
    };
    if *pdu.kind() == TimelineEventType::RoomCreate && head.room.state != StateNid::default() {
        let create = head.state(tx, StateEventType::RoomCreate, "").await?;
        if create.is_some_and(|create| create.event_id() == pdu.event_id()) {
            // That of a room that was handed over.
            return Ok(Step::Done(Outcome::Known));
        }
        // The rules allow any number of them to the server that made the room, up to version 11.
        let outcome = Outcome::Rejected("the room has its create event".to_owned());
        return refuse(tx, head, &pdu, known, StateNid::default(), outcome).await;
    }
    let version = head.room.version.clone();
    let needed: Vec<StateKey> = match needed_state(&pdu, &version) {
        Ok(needed) => needed.into_iter().collect(),
        Err(refusal) => {
            let reason = refusal.to_string();
            return refuse(
                tx,
                head,
                &pdu,
                known,
                StateNid::UNKNOWN,
                Outcome::Rejected(reason),
            )
            .await;
        }
    };
    let current = head.states(tx, &needed).await?;
    let auth_events = auth_events(tx, head, &pdu, &current).await?;
    let auth = auth_state(&pdu, &version, |id| auth_events.get(id).cloned());
    let before = before(tx, head, &pdu, known.as_ref()).await?;
    let (auth, before) = match (auth, before) {
        (Err(AuthEventsError::Refused(refusal)), before) => {
            // Whoever follows it needs the state before it, if it is known.
            let state = before.ok().and_then(|before| before.single());
            let (state, reason) = (state.unwrap_or(StateNid::UNKNOWN), refusal.to_string());
            return refuse(tx, head, &pdu, known, state, Outcome::Rejected(reason)).await;
        }
        (Err(AuthEventsError::Missing(auth)), before) => {
            let prev = before.err().unwrap_or_default();
            return Ok(Step::Done(Outcome::Missing { auth, prev }));
        }
        (Ok(_), Err(prev)) => {
            let auth = Vec::new();
            return Ok(Step::Done(Outcome::Missing { auth, prev }));
        }
        (Ok(auth), Ok(before)) => (auth, before),
    };
    let state_before = match before.single().or_else(|| resolved.get(&before.states)) {
        Some(state) => state,
        None => return Ok(Step::Resolve(before.states)),
    };
    let prevs = before.prevs;

    let at = match state_before == head.room.state {
        true => current.clone(),
        false => part(tx, head, state_before, &needed).await?,
    };
    let mut verdict = judge(&pdu, &version, &auth, &at, Some(&current));
    if matches!(verdict, Verdict::SoftFail(_)) && state_before != head.room.state {
        // What allows it may have come by the same way. The present state is that of the room with this way.
        let states = BTreeSet::from([state_before, head.room.state]);
        let Some(state) = resolved.get(&states) else {
            return Ok(Step::Resolve(states));
        };
        let current = part(tx, head, state, &needed).await?;
        verdict = judge(&pdu, &version, &auth, &at, Some(&current));
    }
    match verdict {
        Verdict::Reject(against, refusal) => {
            let reason = format!("refused by {against}: {refusal}");
            return refuse(tx, head, &pdu, known, state_before, Outcome::Rejected(reason)).await;
        }
        Verdict::SoftFail(refusal) => {
            let reason = refusal.to_string();
            return refuse(tx, head, &pdu, known, state_before, Outcome::SoftFailed(reason)).await;
        }
        Verdict::Accept => {}
    }
    if let Some(reason) = plaintext(server, head, &pdu) {
        return refuse(tx, head, &pdu, known, state_before, Outcome::SoftFailed(reason)).await;
    }
    let placing = Placing {
        pdu,
        known,
        state_before,
        prevs,
    };
    placing.grow(server, tx, head, resolved).await
}

/// The event's own auth events, rejected ones marked as such.
pub(super) async fn auth_events(
    tx: &mut Tx<'_>,
    head: &Head,
    pdu: &Pdu,
    current: &AuthState,
) -> Result<HashMap<OwnedEventId, Arc<Pdu>>> {
    let mut ids: BTreeSet<OwnedEventId> = pdu.auth_events().iter().cloned().collect();
    ids.extend(create_id(head));
    let mut found: HashMap<OwnedEventId, Arc<Pdu>> = HashMap::with_capacity(ids.len());
    // Most are part of the present state, which is in memory.
    for event in current.values() {
        if let Some(id) = ids.take(event.event_id()) {
            found.insert(id, Arc::clone(event));
        }
    }
    if !ids.is_empty() {
        for row in tx
            .event_get_each(head.room.nid, ids.iter().map(|id| &**id))
            .await?
        {
            found.insert(row.event_id.clone(), Arc::new(judged(head, &row)?));
        }
    }
    Ok(found)
}

/// A stored event with the mark that it got.
pub(super) fn judged(head: &Head, row: &EventRow) -> Result<Pdu> {
    Ok(pdu(&head.room.room_id, row)?.with_rejected(row.status == EventStatus::Rejected))
}

/// The create event where the room is named after it.
fn create_id(head: &Head) -> Option<OwnedEventId> {
    match head.room.room_id.server_name() {
        Some(_) => None,
        None => EventId::parse(format!("${}", head.room.room_id.strip_sigil())).ok(),
    }
}

/// Parts of a state.
pub(super) async fn part(
    tx: &mut Tx<'_>,
    head: &Head,
    state: StateNid,
    keys: &[StateKey],
) -> Result<AuthState> {
    let nids = tx.state_find_each(state, keys).await?;
    let mut part = AuthState::new();
    for row in tx.event_get_many(head.room.nid, &nids).await? {
        let key = (
            row.kind.as_str().into(),
            row.state_key.clone().unwrap_or_default(),
        );
        part.insert(key, Arc::new(judged(head, &row)?));
    }
    Ok(part)
}

/// What comes before an event.
pub(super) struct Before {
    /// The states there. Of several, the state before the event is what they resolve to.
    pub(super) states: BTreeSet<StateNid>,
    /// The events there; `None`: just the head of the room.
    prevs: Option<Vec<EventRow>>,
}

impl Before {
    pub(super) fn single(&self) -> Option<StateNid> {
        self.states.first().copied().filter(|_| self.states.len() == 1)
    }
}

/// What comes before an event, or the events there after which the state isn't known.
pub(super) async fn before(
    tx: &mut Tx<'_>,
    head: &Head,
    pdu: &Pdu,
    known: Option<&EventRow>,
) -> Result<Result<Before, Vec<OwnedEventId>>> {
    let prev_ids: BTreeSet<&EventId> = pdu.prev_events().iter().map(|id| &**id).collect();
    let is_next = prev_ids.len() == head.extremities.len()
        && head.extremities.iter().all(|id| prev_ids.contains(&**id));
    let told = known.map(|row| row.state_before).filter(|state| state.is_known());
    if is_next && !prev_ids.is_empty() && told.is_none() {
        return Ok(Ok(Before {
            states: [head.room.state].into(),
            prevs: None,
        }));
    }
    let prevs = tx.event_get_each(head.room.nid, prev_ids.iter().copied()).await?;
    if let Some(state) = told {
        return Ok(Ok(Before {
            states: [state].into(),
            prevs: Some(prevs),
        }));
    }
    let found: HashSet<&EventId> = prevs
        .iter()
        .filter(|row| row.state_before.is_known())
        .map(|row| &*row.event_id)
        .collect();
    let missing: Vec<OwnedEventId> = prev_ids
        .into_iter()
        .filter(|id| !found.contains(id))
        .map(ToOwned::to_owned)
        .collect();
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    let mut states = BTreeSet::new();
    for row in &prevs {
        states.insert(state_after(tx, head, row).await?);
    }
    if states.is_empty() {
        states.insert(StateNid::default());
    }
    let prevs = Some(prevs);
    Ok(Ok(Before { states, prevs }))
}

/// The state after an event, of which the state before is known.
async fn state_after(tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<StateNid> {
    match &row.state_key {
        Some(state_key) if row.status != EventStatus::Rejected => {
            let key = tx.state_key_intern(&row.kind.as_str().into(), state_key).await?;
            let pair = StatePair { key, event: row.nid };
            Ok(tx.state_put(head.room.nid, row.state_before, &[pair]).await?)
        }
        _ => Ok(row.state_before),
    }
}

/// Why a message isn't shown that came in the clear into a room where everything is encrypted. It is never rejected: what
/// is part of the room must be the same everywhere.
fn plaintext(server: &Server, head: &Head, pdu: &Pdu) -> Option<String> {
    let policy = server.settings.encryption;
    if !head.room.ever_encrypted || policy == Encryption::Optional || pdu.is_state() {
        return None;
    }
    let content = pdu.content_as::<CanonicalJsonObject>().ok()?;
    // Redacted.
    if content.is_empty() {
        return None;
    }
    let room = RoomEncryption {
        policy: Encryption::Default,
        ever_encrypted: true,
        current: None,
    };
    let refusal = check_send(room, pdu.kind(), false, &content).err()?;
    metrics::counter!("rohrpost_federation_plaintext_events_total").increment(1);
    Some(refusal.to_string())
}

/// Keeps an event that isn't let in.
async fn refuse(
    tx: &mut Tx<'_>,
    head: &Head,
    pdu: &Pdu,
    known: Option<EventRow>,
    state_before: StateNid,
    outcome: Outcome,
) -> Result<Step> {
    let status = match &outcome {
        Outcome::SoftFailed(_) => EventStatus::SoftFailed,
        _ => EventStatus::Rejected,
    };
    let settled = Settled {
        pos: None,
        state_before,
        status,
        replaces: None,
    };
    keep(tx, head, pdu, known.map(|row| row.nid), None, settled).await?;
    Ok(Step::Done(outcome))
}

/// Stores an event, or what was found out about one that is stored. Answers its number.
async fn keep(
    tx: &mut Tx<'_>,
    head: &Head,
    pdu: &Pdu,
    known: Option<EventNid>,
    number: Option<EventNid>,
    settled: Settled,
) -> Result<EventNid> {
    if let Some(nid) = known {
        tx.event_settle(head.room.nid, nid, &settled).await?;
        return Ok(nid);
    }
    let nid = match number {
        Some(nid) => nid,
        None => EventNid(tx.pos_next().await?.0),
    };
    let kind = pdu.kind().to_string();
    let row = NewEventRow {
        nid,
        event_id: pdu.event_id(),
        pos: settled.pos,
        kind: &kind,
        state_key: pdu.state_key(),
        sender: pdu.sender(),
        origin_server_ts: i64::from(pdu.origin_server_ts().0),
        state_before: settled.state_before,
        status: settled.status,
        txn: None,
        replaces: settled.replaces,
        json: pdu.json(),
    };
    tx.event_insert(head.room.nid, &row).await?;
    Ok(nid)
}

/// An event that is let in.
struct Placing {
    pdu: Arc<Pdu>,
    known: Option<EventRow>,
    state_before: StateNid,
    /// What comes before it; `None`: the head of the room.
    prevs: Option<Vec<EventRow>>,
}

impl Placing {
    /// Lets the room grow by the event.
    async fn grow(
        self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        resolved: &ResolvedStates,
    ) -> Result<Step> {
        let room = head.room.nid;
        let event_id = self.pdu.event_id().to_owned();
        let is_followed = tx.backward_extremity_has(room, &event_id).await?;
        let known = self.known.as_ref().map(|row| row.nid);
        let mut number = known;
        let mut after = self.state_before;
        let state_key = self.pdu.state_key().map(|state_key| {
            let kind = StateEventType::from(self.pdu.kind().to_string());
            (kind, state_key.to_owned())
        });
        if let Some((kind, state_key)) = &state_key {
            let event = match number {
                Some(nid) => nid,
                None => *number.insert(EventNid(tx.pos_next().await?.0)),
            };
            let key = tx.state_key_intern(kind, state_key).await?;
            let pair = StatePair { key, event };
            after = tx.state_put(room, self.state_before, &[pair]).await?;
        }

        // The ends of the room, without this event.
        let others = self.other_extremities(tx, head).await?;
        let mut states = BTreeSet::new();
        for row in &others {
            states.insert(state_after(tx, head, row).await?);
        }
        if !is_followed || others.is_empty() {
            states.insert(after);
        }
        let state = match (states.len(), states.first()) {
            (1, Some(state)) => *state,
            _ => match resolved.get(&states) {
                Some(state) => state,
                None => {
                    // To be resolved, it has to be there.
                    if known.is_none() && state_key.is_some() {
                        let settled = Settled {
                            pos: None,
                            state_before: self.state_before,
                            status: EventStatus::Accepted,
                            replaces: None,
                        };
                        keep(tx, head, &self.pdu, None, number, settled).await?;
                    }
                    return Ok(Step::Resolve(states));
                }
            },
        };

        let replaces = match &state_key {
            Some((kind, key)) if self.state_before == head.room.state => {
                tx.state_current(room, kind, key).await?
            }
            Some((kind, key)) => tx.state_find(self.state_before, kind, key).await?,
            None => None,
        };
        let pos = match (known, number) {
            (None, Some(nid)) => StreamPos(nid.0),
            _ => tx.pos_next().await?,
        };
        let settled = Settled {
            pos: Some(pos),
            state_before: self.state_before,
            status: EventStatus::Accepted,
            replaces,
        };
        let number = number.or(Some(EventNid(pos.0)));
        let nid = keep(tx, head, &self.pdu, known, number, settled).await?;
        let was_joined = Arc::clone(&head.local_joined);
        let changes = match &state_key {
            _ if state == head.room.state => Vec::new(),
            Some((kind, state_key)) if state == after && self.state_before == head.room.state => {
                vec![StateChange {
                    kind: kind.clone(),
                    state_key: state_key.clone(),
                    old: replaces,
                    new: Some(nid),
                }]
            }
            _ => tx.state_diff(head.room.state, state).await?,
        };
        head.room.state = state;
        let at_hand = HashMap::from([(nid, Arc::clone(&self.pdu))]);
        shift(server, tx, head, &changes, at_hand, pos).await?;
        let redacted = enter(server, tx, head, &self.pdu, (nid, pos)).await?;
        let guests = redacted == Some(TimelineEventType::RoomGuestAccess)
            || changes
                .iter()
                .any(|change| change.kind == StateEventType::RoomGuestAccess);
        redact_early(tx, head, &event_id).await?;

        let gaps = self.prevs.iter().flatten();
        let gaps: Vec<OwnedEventId> = gaps
            .filter(|row| row.pos.is_none() && row.status == EventStatus::Accepted)
            .map(|row| row.event_id.clone())
            .collect();
        tx.backward_extremity_put(room, &gaps).await?;
        if is_followed {
            tx.backward_extremity_delete(room, &event_id).await?;
        }
        let mut ends: Vec<(EventNid, OwnedEventId)> =
            others.into_iter().map(|row| (row.nid, row.event_id)).collect();
        if !is_followed || ends.is_empty() {
            ends.push((nid, event_id));
        }
        let surplus = ends.len().saturating_sub(MAX_EXTREMITIES);
        ends.drain(..surplus);
        advance(server, head, &self.pdu, pos);
        tx.room_advance_to(&head.room, &ends).await?;
        head.extremities = ends.into_iter().map(|(_, id)| id).collect();
        tx.wake(was_joined);
        server.heads.put(head.clone());
        if guests {
            guest_access::send_out(server, tx, head, &self.pdu).await?;
        }
        Ok(Step::Done(Outcome::Accepted))
    }

    /// The present ends of the room that the event doesn't follow, neither by itself nor by way of events that weren't
    /// let in.
    async fn other_extremities(&self, tx: &mut Tx<'_>, head: &Head) -> Result<Vec<EventRow>> {
        let Some(prevs) = &self.prevs else {
            return Ok(Vec::new());
        };
        let mut followed: HashSet<OwnedEventId> = prevs.iter().map(|row| row.event_id.clone()).collect();
        let is_failed = |row: &&EventRow| row.status != EventStatus::Accepted;
        let mut failed: Vec<EventRow> = prevs.iter().filter(is_failed).cloned().collect();
        let mut looked = 0;
        while let Some(row) = failed.pop() {
            looked += 1;
            if looked > MAX_FAILED {
                break;
            }
            let before = pdu(&head.room.room_id, &row)?;
            let new: Vec<&EventId> = before
                .prev_events()
                .iter()
                .map(|id| &**id)
                .filter(|id| !followed.contains(*id))
                .collect();
            let rows = tx.event_get_each(head.room.nid, new.iter().copied()).await?;
            followed.extend(rows.iter().map(|row| row.event_id.clone()));
            failed.extend(rows.into_iter().filter(|row| is_failed(&row)));
        }
        let ends = head.extremities.iter().map(|id| &**id);
        let ends = ends.filter(|id| !followed.contains(*id) && *id != self.pdu.event_id());
        Ok(tx.event_get_each(head.room.nid, ends).await?)
    }
}

/// Redacts an event if its redaction came first.
pub(super) async fn redact_early(tx: &mut Tx<'_>, head: &mut Head, event_id: &EventId) -> Result<()> {
    let redactions = tx.early_redaction_list(head.room.nid, event_id).await?;
    if redactions.is_empty() {
        return Ok(());
    }
    for redaction in tx.event_get_many(head.room.nid, &redactions).await? {
        let redaction = judged(head, &redaction)?;
        if let Some(row) = tx.event_get(head.room.nid, event_id).await? {
            redact_row(tx, head, &row, &redaction).await?;
        }
    }
    Ok(())
}
