//! Takes transactions of other servers in: up to 50 events and 100 other pieces of news.
//!
//! Each event is on its own: what is wrong with one doesn't hold up the others, and rooms don't hold up each other. A
//! transaction is answered when all that was taken of it is on disk. One that comes again gets the same answer.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#transactions>

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use rohrpost_room::{
    Pdu, ServerAcl,
    receive::{Unverified, named_room, read},
};
use rohrpost_store::{RoomRow, Tx, Work};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedServerName, OwnedTransactionId, RoomVersionId,
    api::federation::transactions::edu::Edu, events::StateEventType, serde::Raw,
};
use serde_json::value::RawValue;

use super::{
    accept::Outcome,
    edus,
    locks::Locks,
    missing::{self, Unobtainable},
    rescinded,
    verify::verify,
};
use crate::{Refusal, Result, Server};

/// "A maximum of 50 PDUs per transaction."
const MAX_PDUS: usize = 50;
/// "A maximum of 100 EDUs per transaction."
const MAX_EDUS: usize = 100;
/// Longest transaction id, in bytes: it is part of a key in the database.
const MAX_TXN_ID_BYTES: usize = 255;
/// Rooms that are looked after at the same time for one transaction.
const ROOMS_AT_ONCE: usize = 4;
/// How long the events of one room may take. The others of the transaction don't wait longer; what was left out is fetched
/// when the next event follows it.
const ROOM_PATIENCE: Duration = Duration::from_secs(60);

/// What is being taken in.
#[derive(Default)]
pub(crate) struct Incoming {
    origins: Locks<OwnedServerName>,
    pub(crate) rooms: Locks<OwnedRoomId>,
    pub(crate) joins: Locks<OwnedRoomId>,
    /// Rooms whose older history is being fetched.
    pub(crate) older: Locks<OwnedRoomId>,
    pub(crate) unobtainable: Unobtainable,
}

/// A transaction of another server.
pub struct Transaction {
    /// The server, as it was proven.
    pub origin: OwnedServerName,
    /// Its name for the transaction.
    pub txn_id: OwnedTransactionId,
    /// Events.
    pub pdus: Vec<Box<RawValue>>,
    /// Other news.
    pub edus: Vec<Raw<Edu>>,
}

/// What became of the events of a transaction: for each that has an id, whether it was taken, or why not.
pub type Answer = BTreeMap<OwnedEventId, Result<(), String>>;

/// Takes a transaction in. What is kept with a mark, so that nobody sees it, counts as taken.
///
/// # Errors
/// `InvalidParam` for more than a transaction may hold; those of the store.
pub async fn receive(server: &Arc<Server>, transaction: Transaction) -> Result<Answer> {
    let Transaction {
        origin,
        txn_id,
        pdus,
        edus,
    } = transaction;
    if pdus.len() > MAX_PDUS || edus.len() > MAX_EDUS {
        return Err(Refusal::InvalidParam(format!(
            "a transaction has at most {MAX_PDUS} PDUs and {MAX_EDUS} EDUs"
        )));
    }
    if txn_id.as_str().len() > MAX_TXN_ID_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "a transaction id has at most {MAX_TXN_ID_BYTES} bytes"
        )));
    }
    // "the sending server MUST wait [...] before sending a transaction with a different txnId": one at a time.
    let _turn = server.incoming.origins.wait(origin.clone()).await;
    if let Some(answer) = answered(server, &origin, &txn_id).await? {
        return Ok(answer);
    }
    let (events, news) = tokio::join!(
        take_events(server, &origin, pdus),
        take_news(server, &origin, edus)
    );
    let answer = events?;
    news?;
    let stored: BTreeMap<&OwnedEventId, Option<&String>> = answer
        .iter()
        .map(|(id, result)| (id, result.as_ref().err()))
        .collect();
    let unit = Keep {
        answer: serde_json::to_string(&stored)?,
        now_ts: server.now_ts(),
        origin,
        txn_id,
    };
    server.store.write(unit).await?;
    Ok(answer)
}

async fn answered(
    server: &Arc<Server>,
    origin: &OwnedServerName,
    txn_id: &OwnedTransactionId,
) -> Result<Option<Answer>> {
    let (origin, txn_id) = (origin.clone(), txn_id.clone());
    let reading = server.store.look_up(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.received_txn_get(&origin, txn_id.as_str()).await?) })
    });
    let Some(answer) = reading.await? else {
        return Ok(None);
    };
    let answer: BTreeMap<OwnedEventId, Option<String>> = serde_json::from_str(&answer)?;
    let results = answer
        .into_iter()
        .map(|(id, error)| (id, error.map_or(Ok(()), Err)));
    Ok(Some(results.collect()))
}

struct Keep {
    origin: OwnedServerName,
    txn_id: OwnedTransactionId,
    answer: String,
    now_ts: i64,
}

impl Work for Keep {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let txn_id = self.txn_id.as_str();
        tx.received_txn_put(&self.origin, txn_id, &self.answer, self.now_ts)
            .await?;
        Ok(())
    }
}

async fn take_news(server: &Arc<Server>, origin: &OwnedServerName, edus: Vec<Raw<Edu>>) -> Result<()> {
    for edu in edus {
        edus::receive(server, origin, edu).await?;
    }
    Ok(())
}

async fn take_events(
    server: &Arc<Server>,
    origin: &OwnedServerName,
    pdus: Vec<Box<RawValue>>,
) -> Result<Answer> {
    let mut rooms: BTreeMap<OwnedRoomId, Vec<Box<RawValue>>> = BTreeMap::new();
    for pdu in pdus {
        match named_room(pdu.get()) {
            Some(room_id) => rooms.entry(room_id).or_default().push(pdu),
            None => tracing::debug!(%origin, "something that is no event came in a transaction"),
        }
    }
    let taking = stream::iter(rooms)
        .map(|(room_id, pdus)| take_room(Arc::clone(server), origin.clone(), room_id, pdus).boxed());
    let taken: Vec<Result<Answer>> = taking.buffer_unordered(ROOMS_AT_ONCE).collect().await;
    let mut answer = Answer::new();
    for taken in taken {
        answer.extend(taken?);
    }
    Ok(answer)
}

/// A room that this server is in, and who may take part in it.
struct Here {
    room: RoomRow,
    acl: ServerAcl,
}

async fn here(server: &Arc<Server>, room_id: &OwnedRoomId) -> Result<Option<Here>> {
    let (server_, room_id) = (Arc::clone(server), room_id.clone());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let Some(mut head) = server_.heads.peek(tx, &room_id).await? else {
                return Ok(None);
            };
            if head.local_joined.is_empty() {
                return Ok(None);
            }
            let acl = head.state(tx, StateEventType::RoomServerAcl, "").await?;
            let acl = ServerAcl::new(acl.as_deref());
            Ok::<_, Refusal>(Some(Here { room: head.room, acl }))
        })
    });
    reading.await
}

/// Takes the events of one room.
async fn take_room(
    server: Arc<Server>,
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    pdus: Vec<Box<RawValue>>,
) -> Result<Answer> {
    let mut answer = Answer::new();
    let Some(Here { room, acl }) = here(&server, &room_id).await? else {
        // What its id would be depends on the version of the room.
        let version = match room_id.server_name() {
            Some(_) => RoomVersionId::V11,
            None => RoomVersionId::V12,
        };
        let taken = rescinded::take(&server, &room_id, &pdus).await?;
        let read = pdus
            .iter()
            .filter_map(|pdu| read(pdu.get(), &room_id, &version).ok());
        let refused = Err("this server is not in the room".to_owned());
        answer.extend(read.map(|event| (event.event_id().to_owned(), refused.clone())));
        answer.extend(taken.into_iter().map(|id| (id, Ok(()))));
        return Ok(answer);
    };
    let mut wanted: Vec<Unverified> = Vec::with_capacity(pdus.len());
    let mut order: Vec<OwnedEventId> = Vec::with_capacity(pdus.len());
    let mut seen = BTreeSet::new();
    for pdu in &pdus {
        let event = match read(pdu.get(), &room_id, &room.version) {
            Ok(event) => event,
            Err(error) => {
                tracing::debug!(%origin, %error, "something that is no event came in a transaction");
                continue;
            }
        };
        let event_id = event.event_id().to_owned();
        if !acl.allows(&origin) || !acl.allows(event.sender().server_name()) {
            let refused = "the room doesn't take events of this server".to_owned();
            answer.insert(event_id, Err(refused));
        } else if seen.insert(event_id.clone()) {
            order.push(event_id);
            wanted.push(event);
        }
    }
    if wanted.is_empty() {
        return Ok(answer);
    }
    let taking = async {
        let _turn = server.incoming.rooms.wait(room_id.clone()).await;
        let verified = verify(&server, wanted).await?;
        let events = parents_first(
            verified
                .into_iter()
                .map(|received| Arc::new(received.pdu))
                .collect(),
        );
        let outcomes = missing::accept_from(&server, &origin, &room_id, &events).await?;
        let ids = events.iter().map(|event| event.event_id().to_owned());
        Ok::<_, Refusal>(ids.zip(outcomes).collect::<HashMap<_, _>>())
    };
    let outcomes = match tokio::time::timeout(ROOM_PATIENCE, taking).await {
        Ok(Ok(outcomes)) => outcomes,
        Ok(Err(Refusal::Store(error))) => return Err(error.into()),
        // What one room makes impossible must not keep the server from telling of others, for ever.
        failed => {
            if let Ok(Err(error)) = &failed {
                let detail = match error {
                    Refusal::Internal(detail) => detail.clone(),
                    other => other.to_string(),
                };
                tracing::error!(room = %room_id, detail, "events of another server can't be taken");
            }
            let refused = Err("the room can't take events at the moment".to_owned());
            answer.extend(order.into_iter().map(|id| (id, refused.clone())));
            return Ok(answer);
        }
    };
    for id in order {
        let result = match outcomes.get(&id) {
            Some(Outcome::Missing { .. }) => Err("events before it can't be had".to_owned()),
            Some(_) => Ok(()),
            None => Err("not signed by the server of its sender".to_owned()),
        };
        answer.insert(id, result);
    }
    Ok(answer)
}

/// Sorts events so that those come first that others follow, else in the given order.
pub(crate) fn parents_first(events: Vec<Arc<Pdu>>) -> Vec<Arc<Pdu>> {
    let index: HashMap<OwnedEventId, usize> = events
        .iter()
        .enumerate()
        .map(|(place, event)| (event.event_id().to_owned(), place))
        .collect();
    let mut sorted = Vec::with_capacity(events.len());
    let mut state = vec![Visit::Not; events.len()];
    for start in 0..events.len() {
        let mut stack = vec![start];
        while let Some(place) = stack.last().copied() {
            let (Some(event), Some(visit)) = (events.get(place), state.get_mut(place)) else {
                break;
            };
            match visit {
                Visit::Not => {
                    *visit = Visit::Open;
                    let parents = event.prev_events().iter().rev();
                    stack.extend(parents.filter_map(|id| index.get(id)).copied());
                }
                Visit::Open => {
                    *visit = Visit::Done;
                    sorted.push(Arc::clone(event));
                    stack.pop();
                }
                Visit::Done => drop(stack.pop()),
            }
        }
    }
    sorted
}

#[derive(Clone, Copy)]
enum Visit {
    Not,
    Open,
    Done,
}
