//! Tells one server what waits for it: in order, one transaction after the other, each again as it was until it is taken.
//!
//! A row goes when the server has answered 200, or when no server could ever take it. What passes anyway goes in
//! transactions of its own, which aren't repeated.

use std::{collections::HashMap, sync::Arc};

use rohrpost_room::ServerAcl;
use rohrpost_store::{Attempt, Destination, EventNid, Tx, Work};
use ruma::{
    OwnedRoomId, OwnedServerName, ServerName, api::federation::transactions::edu::Edu,
    events::StateEventType, serde::Raw,
};
use serde_json::value::RawValue;

use super::{
    pause,
    take::lease_until,
    transaction::{self, MAX_EDUS, MAX_PDUS, Outcome, Transaction},
};
use crate::{Refusal, Result, Server};

/// Where a transaction ends though there is more, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// A single piece that a server refuses so often is left out, so that it doesn't stand in the way of all others for ever.
const MAX_REFUSALS: i64 = 5;

/// What is in the next transaction.
struct Batch {
    state: Destination,
    ts: i64,
    events: Vec<(EventNid, Box<RawValue>)>,
    edus: Vec<(i64, Raw<Edu>)>,
    /// What no server could take, is there no more, or the server may not have.
    dropped: (Vec<EventNid>, Vec<i64>),
    /// So much waits since the server stopped answering that the newest is enough.
    is_too_much: bool,
}

/// Tells a server what there is, until it knows everything or doesn't take it. `is_taken`: it came from
/// [`take`](super::take()), so what waits in the database is for this call; else only what waits in memory is.
///
/// # Errors
/// Those of the store.
pub async fn deliver(server: &Arc<Server>, destination: OwnedServerName, is_taken: bool) -> Result<()> {
    let mut is_at_rest = !is_taken;
    let mut is_thinned = false;
    while is_taken && !server.is_stopping() {
        let batch = read(server, &destination).await?;
        if batch.is_too_much && !is_thinned {
            is_thinned = true;
            let gone = server.store.write(Thin(destination.clone())).await?;
            tracing::info!(%destination, gone, "a server is told the newest of each room only: much happened meanwhile");
            continue;
        }
        if batch.events.is_empty() && batch.edus.is_empty() {
            let (events, edus) = batch.dropped;
            let is_done = events.is_empty() && edus.is_empty();
            if is_done && is_at_rest {
                break;
            }
            forget(server, &destination, events, edus).await?;
            is_at_rest = true;
            continue;
        }
        if !send(server, &destination, batch).await? {
            return Ok(());
        }
        is_at_rest = true;
    }
    if server.is_stopping() {
        return match is_taken {
            true => super::release(server, vec![destination]).await,
            false => Ok(()),
        };
    }
    pass(server, &destination).await
}

async fn read(server: &Arc<Server>, destination: &ServerName) -> Result<Batch> {
    let (reader, destination) = (Arc::clone(server), destination.to_owned());
    server
        .store
        .read(move |tx| Box::pin(async move { batch(&reader, tx, &destination).await }))
        .await
}

async fn batch(server: &Server, tx: &mut Tx<'_>, destination: &ServerName) -> Result<Batch> {
    let state = state(tx, destination).await?;
    let many = server.settings.outbox.catch_up_events;
    let is_too_much = state.failures > 0 && tx.outbox_event_more_than(destination, many).await?;
    let mut attempt = state.attempt;
    let (events, edus) = loop {
        let upto = match attempt {
            Some(attempt) => (
                attempt.event.map_or(i64::MIN, |event| event.0),
                attempt.edu.unwrap_or(i64::MIN),
            ),
            None => (i64::MAX, i64::MAX),
        };
        let events = tx
            .outbox_event_list(destination, EventNid(upto.0), MAX_PDUS)
            .await?;
        let edus = tx.outbox_edu_list(destination, upto.1, MAX_EDUS).await?;
        if !events.is_empty() || !edus.is_empty() || attempt.take().is_none() {
            break (events, edus);
        }
    };
    let mut batch = Batch {
        ts: attempt.map_or_else(|| server.now_ts(), |attempt| attempt.ts),
        state,
        events: Vec::new(),
        edus: Vec::new(),
        dropped: (Vec::new(), Vec::new()),
        is_too_much,
    };
    let mut acls = Acls::default();
    let mut bytes = 0;
    for row in events {
        let pdu = match &row.kept {
            Some((room_id, event_id, json)) if acls.allow(server, tx, room_id, destination).await? => {
                let pdu = transaction::pdu(room_id, event_id, json);
                if pdu.is_none() {
                    tracing::error!(%event_id, "a stored event is none that another server could take; it isn't sent");
                }
                pdu
            }
            _ => None,
        };
        let Some(pdu) = pdu else {
            batch.dropped.0.push(row.event);
            continue;
        };
        if bytes > 0 && bytes + pdu.get().len() > MAX_BYTES {
            return Ok(batch);
        }
        bytes += pdu.get().len();
        batch.events.push((row.event, pdu));
    }
    for row in edus {
        let Some(edu) = transaction::edu(row.edu) else {
            batch.dropped.1.push(row.nid);
            continue;
        };
        if bytes > 0 && bytes + edu.json().get().len() > MAX_BYTES {
            break;
        }
        bytes += edu.json().get().len();
        batch.edus.push((row.nid, edu));
    }
    Ok(batch)
}

async fn state(tx: &mut Tx<'_>, destination: &ServerName) -> Result<Destination> {
    Ok(tx.destination_get(destination).await?.unwrap_or(Destination {
        server: destination.to_owned(),
        retry_ts: 0,
        failing_since_ts: 0,
        failures: 0,
        attempt: None,
    }))
}

/// Which rooms a server may take part in, by their access control lists.
#[derive(Default)]
struct Acls(HashMap<OwnedRoomId, bool>);

impl Acls {
    async fn allow(
        &mut self,
        server: &Server,
        tx: &mut Tx<'_>,
        room_id: &OwnedRoomId,
        destination: &ServerName,
    ) -> Result<bool> {
        if let Some(known) = self.0.get(room_id) {
            return Ok(*known);
        }
        let acl = match server.heads.peek(tx, room_id).await? {
            Some(mut head) => head.state(tx, StateEventType::RoomServerAcl, "").await?,
            None => None,
        };
        let allows = ServerAcl::new(acl.as_deref()).allows(destination);
        self.0.insert(room_id.clone(), allows);
        Ok(allows)
    }
}

/// Sends a transaction and writes down what came of it. `false`: the server didn't take it.
async fn send(server: &Arc<Server>, destination: &ServerName, batch: Batch) -> Result<bool> {
    let Batch {
        state,
        ts,
        events,
        edus,
        dropped,
        ..
    } = batch;
    let (mut event_nids, pdus): (Vec<EventNid>, Vec<_>) = events.into_iter().unzip();
    let (mut edu_nids, edus): (Vec<i64>, Vec<_>) = edus.into_iter().unzip();
    let transaction = Transaction { ts, pdus, edus };
    let outcome = transaction.send(server, destination).await;
    match outcome {
        Outcome::Taken => {
            if state.failures > 0 {
                tracing::info!(%destination, "a server answers again");
            }
            server.outbox.answers(destination);
            event_nids.extend(dropped.0);
            edu_nids.extend(dropped.1);
            let taken = Taken {
                destination: destination.to_owned(),
                events: event_nids,
                edus: edu_nids,
                until_ts: lease_until(server),
            };
            server.store.write(taken).await?;
            Ok(true)
        }
        Outcome::Refused if event_nids.len() + edu_nids.len() == 1 && state.failures >= MAX_REFUSALS => {
            tracing::error!(%destination, event = ?event_nids.first(), "a server refuses this again and again; it is left out");
            event_nids.extend(dropped.0);
            edu_nids.extend(dropped.1);
            forget(server, destination, event_nids, edu_nids).await?;
            fails(server, state, None, None).await?;
            Ok(false)
        }
        Outcome::Refused => {
            fails(server, state, Some(smaller(ts, &event_nids, &edu_nids)), None).await?;
            Ok(false)
        }
        Outcome::Failed(pause_ms) => {
            let attempt = Attempt {
                ts,
                event: event_nids.last().copied(),
                edu: edu_nids.last().copied(),
            };
            fails(server, state, Some(attempt), pause_ms).await?;
            Ok(false)
        }
    }
}

/// A part of what a server refused: what it can't take shall be alone in the end.
fn smaller(ts: i64, events: &[EventNid], edus: &[i64]) -> Attempt {
    let half = |len: usize| len.div_ceil(2).saturating_sub(1);
    match (events, edus) {
        ([], edus) => Attempt {
            ts,
            event: None,
            edu: edus.get(half(edus.len())).copied(),
        },
        (events, []) => Attempt {
            ts,
            event: events.get(half(events.len())).copied(),
            edu: None,
        },
        (events, _) => Attempt {
            ts,
            event: events.last().copied(),
            edu: None,
        },
    }
}

/// Sends what passes anyway, unless the server doesn't answer.
async fn pass(server: &Arc<Server>, destination: &ServerName) -> Result<()> {
    loop {
        let edus = server.outbox.ephemeral.take(destination, MAX_EDUS as usize);
        if edus.is_empty() || server.is_stopping() {
            return Ok(());
        }
        let (reader, now_ts) = (destination.to_owned(), server.now_ts());
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { state(tx, &reader).await }));
        let state = reading.await?;
        if state.retry_ts > now_ts {
            server.outbox.ephemeral.forget(destination);
            return Ok(());
        }
        let transaction = Transaction {
            ts: now_ts,
            pdus: Vec::new(),
            edus: edus.iter().filter_map(|edu| Raw::new(edu).ok()).collect(),
        };
        match transaction.send(server, destination).await {
            Outcome::Taken if state.failures == 0 => {}
            Outcome::Taken => {
                server.outbox.answers(destination);
                let answers = Taken {
                    destination: destination.to_owned(),
                    events: Vec::new(),
                    edus: Vec::new(),
                    until_ts: 0,
                };
                server.store.write(answers).await?;
            }
            // Whatever it was: it is over.
            Outcome::Refused => return Ok(()),
            Outcome::Failed(pause_ms) => {
                let attempt = state.attempt;
                return fails(server, state, attempt, pause_ms).await;
            }
        }
    }
}

async fn fails(
    server: &Arc<Server>,
    state: Destination,
    attempt: Option<Attempt>,
    pause_ms: Option<i64>,
) -> Result<()> {
    let now_ts = server.now_ts();
    let settings = &server.settings.outbox;
    let failures = state.failures.saturating_add(1);
    let pause = pause::pause_ms(settings, failures, &*server.rng);
    // As it asks for, but no longer than any other.
    let pause = pause.max(pause_ms.unwrap_or(0).min(pause::ms(settings.max_retry)));
    let destination = state.server.clone();
    match state.failures {
        0 => {
            tracing::warn!(%destination, "a server doesn't take what happens here; it is tried again, later and later")
        }
        _ => tracing::debug!(%destination, failures, "a server still doesn't take what happens here"),
    }
    let failing_since_ts = match state.failing_since_ts {
        0 => now_ts,
        since => since,
    };
    let failed = Destination {
        retry_ts: now_ts.saturating_add(pause),
        failing_since_ts,
        failures,
        attempt,
        ..state
    };
    server.store.write(Failed(failed)).await?;
    server.outbox.fails(&destination, now_ts);
    Ok(())
}

async fn forget(
    server: &Arc<Server>,
    destination: &ServerName,
    events: Vec<EventNid>,
    edus: Vec<i64>,
) -> Result<()> {
    let forget = Forget {
        destination: destination.to_owned(),
        events,
        edus,
    };
    server.store.write(forget).await
}

struct Taken {
    destination: OwnedServerName,
    events: Vec<EventNid>,
    edus: Vec<i64>,
    until_ts: i64,
}

impl Work for Taken {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.outbox_delete(&self.destination, &self.events, &self.edus)
            .await?;
        Ok(tx.destination_answers(&self.destination, self.until_ts).await?)
    }
}

struct Forget {
    destination: OwnedServerName,
    events: Vec<EventNid>,
    edus: Vec<i64>,
}

impl Work for Forget {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.outbox_delete(&self.destination, &self.events, &self.edus)
            .await?;
        Ok(tx.destination_rest(&self.destination).await?)
    }
}

struct Thin(OwnedServerName);

impl Work for Thin {
    type Out = u64;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64> {
        let gone = tx.outbox_event_thin(&self.0).await?;
        tx.destination_rest(&self.0).await?;
        Ok(gone)
    }
}

struct Failed(Destination);

impl Work for Failed {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(tx.destination_fails(&self.0).await?)
    }
}
