//! Takes events into a room that come before what is in its timeline: history that another server was asked for.
//!
//! They move nothing: neither the head of the room nor its state. They are judged by their auth events and by the state
//! before them, not by the present state, which couldn't have been known. They get places before the event that follows
//! them, as far as there is room before it; a timeline that begins with that event has room for all.
//!
//! Start reading at [`accept_older`].

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use rohrpost_room::{
    Pdu,
    receive::{AuthEventsError, Verdict, auth_state, judge, needed_state},
};
use rohrpost_store::{EventNid, EventStatus, NewEventRow, Settled, StateNid, StreamPos, Tx, Work};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, events::StateEventType};

use super::{
    place::{auth_events, before, is_placed, part, redact_early},
    resolve,
};
use crate::{
    Refusal, Result, Server,
    rooms::{
        append::enter,
        head::{Head, StateKey, pdu},
    },
};

/// How often a unit may stop because states have to be resolved.
const MAX_STOPS: usize = 50;

/// Takes verified events that come before the one at a place of the timeline, parents before children. Those of which
/// the state isn't known are left out. Answers how many are in the timeline now.
///
/// # Errors
/// `Forbidden` as for any room that isn't known here.
pub(crate) async fn accept_older(
    server: &Arc<Server>,
    room_id: &RoomId,
    events: Vec<Arc<Pdu>>,
    follower: StreamPos,
) -> Result<usize> {
    let events: Arc<[Arc<Pdu>]> = events.into();
    for _ in 0..MAX_STOPS {
        let unit = Older {
            server: Arc::clone(server),
            room_id: room_id.to_owned(),
            events: Arc::clone(&events),
            follower,
        };
        match server.store.write(unit).await? {
            Step::Done(count) => return Ok(count),
            Step::Resolve(states) => drop(resolve(server, room_id, &states).await?),
        }
    }
    Ok(0)
}

enum Step {
    Done(usize),
    /// These states have to be resolved first.
    Resolve(BTreeSet<StateNid>),
}

struct Older {
    server: Arc<Server>,
    room_id: OwnedRoomId,
    events: Arc<[Arc<Pdu>]>,
    follower: StreamPos,
}

/// An event of which everything is known but its place.
struct Judged {
    pdu: Arc<Pdu>,
    nid: EventNid,
    state_before: StateNid,
    is_rejected: bool,
    replaces: Option<EventNid>,
}

impl Work for Older {
    type Out = Step;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Step> {
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        let mut judged = Vec::new();
        for event in &*self.events {
            match self.judge(tx, &mut head, event).await? {
                Ok(Some(event)) => judged.push(event),
                Ok(None) => {}
                Err(states) => return Ok(Step::Resolve(states)),
            }
        }
        let placed = self.place(tx, &mut head, judged).await?;
        Ok(Step::Done(placed))
    }
}

impl Older {
    /// What becomes of one event; it is kept, without a place yet, so that others can follow it. `Ok(None)`: nothing.
    async fn judge(
        &self,
        tx: &mut Tx<'_>,
        head: &mut Head,
        new: &Arc<Pdu>,
    ) -> Result<Result<Option<Judged>, BTreeSet<StateNid>>> {
        let room = head.room.nid;
        let known = tx.event_get(room, new.event_id()).await?;
        if let Some(row) = known.as_ref().filter(|row| is_placed(row)) {
            // History goes on behind what wasn't let in.
            let refused = row.pos.is_none().then(|| Judged {
                pdu: Arc::clone(new),
                nid: row.nid,
                state_before: row.state_before,
                is_rejected: true,
                replaces: None,
            });
            return Ok(Ok(refused));
        }
        let pdu = match &known {
            Some(row) => Arc::new(pdu(&head.room.room_id, row)?),
            None => Arc::clone(new),
        };
        let version = head.room.version.clone();
        let Ok(needed) = needed_state(&pdu, &version) else {
            return Ok(Ok(None));
        };
        let needed: Vec<StateKey> = needed.into_iter().collect();
        let current = head.states(tx, &needed).await?;
        let auth_events = auth_events(tx, head, &pdu, &current).await?;
        let auth = match auth_state(&pdu, &version, |id| auth_events.get(id).cloned()) {
            Ok(auth) => Some(auth),
            Err(AuthEventsError::Refused(_)) => None,
            Err(AuthEventsError::Missing(_)) => return Ok(Ok(None)),
        };
        let Ok(before) = before(tx, head, &pdu, known.as_ref()).await? else {
            return Ok(Ok(None));
        };
        let state_before = match before
            .single()
            .or_else(|| self.server.resolved_states.get(&before.states))
        {
            Some(state) => state,
            None => return Ok(Err(before.states)),
        };
        let at = part(tx, head, state_before, &needed).await?;
        let is_rejected =
            auth.is_none_or(|auth| matches!(judge(&pdu, &version, &auth, &at, None), Verdict::Reject(..)));
        let replaces = match pdu.state_key() {
            Some(state_key) => {
                let kind = StateEventType::from(pdu.kind().to_string());
                tx.state_find(state_before, &kind, state_key).await?
            }
            None => None,
        };
        let status = match is_rejected {
            true => EventStatus::Rejected,
            false => EventStatus::Accepted,
        };
        let nid = match &known {
            Some(row) => row.nid,
            None => EventNid(tx.pos_next().await?.0),
        };
        let settled = Settled {
            pos: None,
            state_before,
            status,
            replaces,
        };
        if known.is_some() {
            tx.event_settle_older(room, nid, &settled).await?;
        } else {
            let kind = pdu.kind().to_string();
            let row = NewEventRow {
                nid,
                event_id: pdu.event_id(),
                pos: None,
                kind: &kind,
                state_key: pdu.state_key(),
                sender: pdu.sender(),
                origin_server_ts: i64::from(pdu.origin_server_ts().0),
                state_before,
                status,
                txn: None,
                replaces,
                json: pdu.json(),
            };
            tx.event_insert(room, &row).await?;
        }
        Ok(Ok(Some(Judged {
            pdu,
            nid,
            state_before,
            is_rejected,
            replaces,
        })))
    }

    /// Gives places to those that are let in, the newest first as far as there is room, and notes where older history
    /// would begin now.
    async fn place(&self, tx: &mut Tx<'_>, head: &mut Head, judged: Vec<Judged>) -> Result<usize> {
        let room = head.room.nid;
        let Some(upto) = self.follower.0.checked_sub(1) else {
            return Ok(0);
        };
        let earlier = tx
            .event_list_back(room, StreamPos(i64::MIN), StreamPos(upto), 1)
            .await?;
        let lowest = earlier
            .first()
            .and_then(|row| row.pos)
            .map_or(i64::MIN, |pos| pos.0);
        let free = usize::try_from(upto.saturating_sub(lowest)).unwrap_or(usize::MAX);
        let let_in = judged.iter().filter(|event| !event.is_rejected).count();
        let mut left_out = let_in.saturating_sub(free);
        let mut pos = upto.saturating_sub(i64::try_from(let_in.min(free)).unwrap_or(i64::MAX));
        let mut decided: HashSet<OwnedEventId> = HashSet::new();
        let mut follows: HashSet<OwnedEventId> = HashSet::new();
        let mut placed = 0;
        for event in judged {
            if !event.is_rejected {
                if left_out > 0 {
                    left_out -= 1;
                    continue;
                }
                pos += 1;
                let settled = Settled {
                    pos: Some(StreamPos(pos)),
                    state_before: event.state_before,
                    status: EventStatus::Accepted,
                    replaces: event.replaces,
                };
                tx.event_settle_older(room, event.nid, &settled).await?;
                enter(&self.server, tx, head, &event.pdu, (event.nid, StreamPos(pos))).await?;
                redact_early(tx, head, event.pdu.event_id()).await?;
                placed += 1;
            }
            follows.extend(event.pdu.prev_events().iter().cloned());
            decided.insert(event.pdu.event_id().to_owned());
        }
        for id in &decided {
            tx.backward_extremity_delete(room, id).await?;
        }
        let open: Vec<OwnedEventId> = follows.into_iter().filter(|id| !decided.contains(id)).collect();
        let there = tx.event_get_each(room, open.iter().map(|id| &**id)).await?;
        let there: HashSet<&EventId> = there
            .iter()
            .filter(|row| is_placed(row))
            .map(|row| &*row.event_id)
            .collect();
        let gaps: Vec<OwnedEventId> = open
            .iter()
            .filter(|id| !there.contains(&***id))
            .cloned()
            .collect();
        tx.backward_extremity_put(room, &gaps).await?;
        Ok(placed)
    }
}
