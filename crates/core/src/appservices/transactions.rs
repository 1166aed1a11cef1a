//! What an application service is told: everything that happens to its users and in its rooms, in order, each once.
//!
//! The end of a transaction is noted before it is sent: whatever fails, the same number always stands for the same
//! stretch of the stream.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#pushing-events>

use std::{collections::HashMap, sync::Arc, time::Duration};

use rohrpost_room::{Shape, Unsigned, client_event};
use rohrpost_store::{AppserviceProgress, RoomNid, StreamPos, Tx, Work};
use ruma::{RoomId, UserId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    Refusal, Result, Server,
    appservices::{
        Appservice,
        ask::{Question, ask},
    },
    personal::presence,
    ports::{PostError, Verb},
    rooms::head::{Head, pdu},
    sync::receipt_content,
};

/// Events in one transaction.
const MAX_EVENTS: u32 = 100;
/// Rooms whose receipts and typing are told in one transaction.
const MAX_ROOMS: u32 = 100;

/// How long a service may take for one transaction.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a service is to be told.
pub struct Transaction {
    /// Its number.
    pub txn: i64,
    /// The body of the request.
    pub body: String,
    upto: StreamPos,
}

/// Tells a service; answers the status of its answer. The transaction isn't noted as [`taken`] by this.
///
/// # Errors
/// When there is no answer.
pub async fn tell(
    server: &Server,
    service: &Appservice,
    transaction: &Transaction,
) -> Result<u16, PostError> {
    let question = Question {
        verb: Verb::Put,
        path: &["transactions", &transaction.txn.to_string()],
        query: &[],
        body: transaction.body.clone().into_bytes(),
        patience: PATIENCE,
    };
    Ok(ask(server, service, question).await?.status)
}

#[derive(Serialize)]
struct Body {
    events: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ephemeral: Vec<serde_json::Value>,
}

/// The next transaction of a service. `None`: it knows everything. The same until [`taken`] is called.
///
/// # Errors
/// Those of the store.
pub async fn next(server: &Arc<Server>, service: &Arc<Appservice>) -> Result<Option<Transaction>> {
    // What isn't of interest is passed over, in steps that bound what one look costs.
    loop {
        let (id, begin) = (Arc::clone(&service.id), server.store.clone());
        let (progress, now) = begin
            .read(move |tx| {
                Box::pin(
                    async move { Ok::<_, Refusal>((tx.appservice_get(&id).await?, tx.pos_now().await?)) },
                )
            })
            .await?;
        let Some(progress) = progress else {
            // A new service is told what happens from now on.
            let first = AppserviceProgress {
                pos: now,
                txn: 0,
                pending: None,
            };
            put(server, service, first).await?;
            return Ok(None);
        };
        if progress.pending.is_none() && progress.pos >= now {
            return Ok(None);
        }
        let (server_, service_) = (Arc::clone(server), Arc::clone(service));
        let (upto, body) = server
            .store
            .read(move |tx| {
                Box::pin(async move {
                    let upto = match progress.pending {
                        Some(pending) => pending,
                        None => end(tx, progress.pos, now).await?,
                    };
                    let body = body(&server_, &service_, tx, progress.pos, upto).await?;
                    Ok::<_, Refusal>((upto, body))
                })
            })
            .await?;
        if body.events.is_empty() && body.ephemeral.is_empty() {
            let passed = AppserviceProgress {
                pos: upto,
                pending: None,
                ..progress
            };
            put(server, service, passed).await?;
            continue;
        }
        if progress.pending.is_none() {
            let pending = AppserviceProgress {
                pending: Some(upto),
                ..progress
            };
            put(server, service, pending).await?;
        }
        return Ok(Some(Transaction {
            txn: progress.txn + 1,
            body: serde_json::to_string(&body)?,
            upto,
        }));
    }
}

/// Notes that a service took a transaction.
///
/// # Errors
/// Those of the store.
pub async fn taken(server: &Arc<Server>, service: &Arc<Appservice>, transaction: &Transaction) -> Result<()> {
    let progress = AppserviceProgress {
        pos: transaction.upto,
        txn: transaction.txn,
        pending: None,
    };
    put(server, service, progress).await
}

async fn put(server: &Arc<Server>, service: &Arc<Appservice>, progress: AppserviceProgress) -> Result<()> {
    let id = Arc::clone(&service.id);
    server.store.write(Put { id, progress }).await
}

struct Put {
    id: Arc<str>,
    progress: AppserviceProgress,
}

impl Work for Put {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(tx.appservice_put(&self.id, &self.progress).await?)
    }
}

/// Where a transaction ends that begins after `pos`.
async fn end(tx: &mut Tx<'_>, pos: StreamPos, now: StreamPos) -> Result<StreamPos> {
    let events = tx.event_list_everywhere(pos, now, MAX_EVENTS).await?;
    let is_full = events.len() == MAX_EVENTS as usize;
    let last = events.last().filter(|_| is_full);
    Ok(last.map_or(now, |(_, _, nid)| StreamPos(nid.0)))
}

async fn body(
    server: &Arc<Server>,
    service: &Appservice,
    tx: &mut Tx<'_>,
    pos: StreamPos,
    upto: StreamPos,
) -> Result<Body> {
    let mut rooms = Rooms::default();
    let mut events = Vec::new();
    for (room, room_id, nid) in tx.event_list_everywhere(pos, upto, MAX_EVENTS).await? {
        let Some(row) = tx.event_get_many(room, &[nid]).await?.into_iter().next() else {
            continue;
        };
        let subject = row.state_key.as_deref().filter(|_| row.kind == "m.room.member");
        let subject = subject.and_then(|user| <&UserId>::try_from(user).ok());
        let concerns = service.owns_user(&row.sender)
            || subject.is_some_and(|user| service.owns_user(user))
            || rooms.concern(server, service, tx, room, &room_id).await?;
        if !concerns {
            continue;
        }
        let head = server.heads.read(tx, &room_id).await?;
        let pdu = pdu(&room_id, &row)?;
        let age_ms = server.now_ts() - i64::from(pdu.origin_server_ts().0);
        let unsigned = Unsigned {
            age_ms: Some(u64::try_from(age_ms).unwrap_or(0)),
            ..Unsigned::default()
        };
        events.push(client_event(
            &pdu,
            &head.room.version,
            Shape::WithRoomId,
            &unsigned,
        ));
    }
    let mut ephemeral = Vec::new();
    if service.receive_ephemeral {
        for (room, room_id) in tx.ephemeral_rooms(pos, upto, MAX_ROOMS).await? {
            if rooms.concern(server, service, tx, room, &room_id).await? {
                for (kind, content) in self::ephemeral(server, service, tx, room, (pos, upto)).await? {
                    let event = serde_json::json!({ "type": kind, "room_id": room_id, "content": content });
                    ephemeral.push(event);
                }
            }
        }
    }
    if service.receive_ephemeral {
        ephemeral.extend(presence::changes_for_service(server, tx, service, (pos, upto)).await?);
    }
    Ok(Body { events, ephemeral })
}

/// Receipts and typing of a room, as far as they changed. What somebody read in private is told to their own service
/// alone.
async fn ephemeral(
    server: &Server,
    service: &Appservice,
    tx: &mut Tx<'_>,
    room: RoomNid,
    (pos, upto): (StreamPos, StreamPos),
) -> Result<Vec<(&'static str, serde_json::Value)>> {
    let mut events = Vec::new();
    let mut receipts = tx.receipt_list(room, pos, upto).await?;
    receipts.retain(|receipt| receipt.kind != "m.read.private" || service.owns_user(&receipt.user_id));
    if !receipts.is_empty() {
        events.push(("m.receipt", serde_json::from_str(&receipt_content(&receipts)?)?));
    }
    if tx.typing_changed(room, pos, upto).await? {
        let typing = tx.typing_list(room, server.now_ts()).await?;
        events.push(("m.typing", serde_json::json!({ "user_ids": typing })));
    }
    Ok(events)
}

/// Which rooms concern a service, as far as they were looked at for one transaction.
#[derive(Default)]
struct Rooms(HashMap<RoomNid, bool>);

impl Rooms {
    /// Whether a room is in the service's names, by its id or an alias, or one of its users is joined.
    async fn concern(
        &mut self,
        server: &Server,
        service: &Appservice,
        tx: &mut Tx<'_>,
        room: RoomNid,
        room_id: &RoomId,
    ) -> Result<bool> {
        if let Some(known) = self.0.get(&room) {
            return Ok(*known);
        }
        let head: Head = server.heads.read(tx, room_id).await?;
        let concerns = concerns(service, tx, &head).await?;
        self.0.insert(room, concerns);
        Ok(concerns)
    }
}

/// Whether a room is in a service's names, by its id or an alias, or one of its users is joined.
pub(crate) async fn concerns(service: &Appservice, tx: &mut Tx<'_>, head: &Head) -> Result<bool> {
    let is_known =
        service.owns_room(&head.room.room_id) || head.local_joined.iter().any(|user| service.owns_user(user));
    if is_known {
        return Ok(true);
    }
    let aliases = tx.alias_list(head.room.nid).await?;
    Ok(aliases.iter().any(|alias| service.owns_alias(alias)))
}
