//! Takes events of other servers into a room: the one place, besides `rooms::append`, where a room grows.
//!
//! An event that comes here was read and verified ([`rohrpost_room::receive`]). What is decided here is what becomes of
//! it: whether its auth events, the state before it and the present state allow it; which state the room has then; and
//! what its members are told. Fetching what is missing is the caller's work: [`Outcome::Missing`] says what that is.
//!
//! A unit of work must not resolve states: that takes long in a large room, and on SQLite everybody writes on one thread.
//! So a unit that needs two states resolved stops and says which. They are resolved outside ([`resolve`]), kept as a state,
//! and the unit runs again. What states resolve to never changes, so nothing is lost when the room moves meanwhile.
//!
//! Where only one server writes at a time, nothing has to be resolved, and an event costs about what it costs to append one.
//!
//! Start reading at [`accept`], then [`place`].
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu>

mod auth_graph;
mod older;
mod outliers;
mod place;
mod resolve;
mod shift;

use std::{collections::BTreeSet, sync::Arc};

use rohrpost_room::Pdu;
use rohrpost_store::{StateNid, Tx, Work};
use ruma::{OwnedEventId, OwnedRoomId, RoomId};

use self::place::{Step, place};
pub(crate) use self::{
    auth_graph::AuthGraphs,
    older::accept_older,
    outliers::keep_outliers,
    resolve::{ResolvedStates, known_state, resolve},
    shift::shift,
};
use crate::{Refusal, Result, Server};

/// Events that go into one unit of work.
const BATCH: usize = 20;
/// How often a unit may stop for one event because states have to be resolved: once for the state before it, once for
/// the state after it, and as often again if somebody here writes meanwhile.
const MAX_STOPS: usize = 10;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has a place in the timeline.
    Accepted,
    /// It was known before.
    Known,
    /// It is kept, and shown to nobody: the room as it is now doesn't allow it, or it isn't encrypted where it must be.
    SoftFailed(String),
    /// It is kept with that mark, and shown to nobody.
    Rejected(String),
    /// Nothing is decided: events must be fetched first.
    Missing {
        /// Auth events that aren't known.
        auth: Vec<OwnedEventId>,
        /// Events before it of which the state isn't known.
        prev: Vec<OwnedEventId>,
    },
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Known => "known",
            Self::SoftFailed(_) => "soft_failed",
            Self::Rejected(_) => "rejected",
            Self::Missing { .. } => "missing",
        }
    }
}

/// Takes verified events of one room, parents before children. Answers what became of each, in the same order.
///
/// # Errors
/// `Forbidden` as for any room that isn't known here. An event that isn't allowed is no error.
pub(crate) async fn accept(
    server: &Arc<Server>,
    room_id: &RoomId,
    events: &[Arc<Pdu>],
) -> Result<Vec<Outcome>> {
    accept_each(server, room_id, events, false).await
}

/// Takes a verified event that another server handed over so that this one tells the others.
///
/// # Errors
/// Those of [`accept`].
pub(crate) async fn accept_and_pass_on(
    server: &Arc<Server>,
    room_id: &RoomId,
    event: Arc<Pdu>,
) -> Result<Outcome> {
    let outcomes = accept_each(server, room_id, &[event], true).await?;
    let outcome = outcomes.into_iter().next();
    outcome.ok_or_else(|| Refusal::Internal("nothing became of an event".to_owned()))
}

async fn accept_each(
    server: &Arc<Server>,
    room_id: &RoomId,
    events: &[Arc<Pdu>],
    pass_on: bool,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(events.len());
    let mut stops = 0;
    while outcomes.len() < events.len() {
        let done = outcomes.len();
        let batch = Batch {
            server: Arc::clone(server),
            room_id: room_id.to_owned(),
            events: events[done..].iter().take(BATCH).cloned().collect(),
            pass_on,
        };
        let (placed, needed) = server.store.write(batch).await?;
        for (outcome, pdu) in placed.iter().zip(&events[done..]) {
            count(outcome, pdu);
        }
        stops = if placed.is_empty() { stops + 1 } else { 0 };
        outcomes.extend(placed);
        if let Some(states) = needed {
            if stops > MAX_STOPS {
                return Err(Refusal::Internal(
                    "a room moves faster than it can be followed".to_owned(),
                ));
            }
            resolve(server, room_id, &states).await?;
        }
    }
    Ok(outcomes)
}

fn count(outcome: &Outcome, pdu: &Pdu) {
    metrics::counter!("rohrpost_federation_received_events_total", "outcome" => outcome.name()).increment(1);
    if let Outcome::SoftFailed(reason) | Outcome::Rejected(reason) = outcome {
        tracing::debug!(event = %pdu.event_id(), outcome = outcome.name(), reason, "an event isn't let in");
    }
}

struct Batch {
    server: Arc<Server>,
    room_id: OwnedRoomId,
    events: Vec<Arc<Pdu>>,
    /// Whether this server tells the others of them.
    pass_on: bool,
}

impl Work for Batch {
    type Out = (Vec<Outcome>, Option<BTreeSet<StateNid>>);
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out> {
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        let mut outcomes = Vec::with_capacity(self.events.len());
        for pdu in &self.events {
            match place(&self.server, tx, &mut head, pdu, &self.server.resolved_states).await? {
                Step::Done(outcome) => {
                    if self.pass_on
                        && outcome == Outcome::Accepted
                        && let Some(row) = tx.event_get(head.room.nid, pdu.event_id()).await?
                    {
                        tx.outbox_pass(row.nid, true).await?;
                    }
                    outcomes.push(outcome);
                }
                Step::Resolve(states) => return Ok((outcomes, Some(states))),
            }
        }
        Ok((outcomes, None))
    }
}
