//! Redacts an event: its content is taken away, here at once and by the other members as they hear of it.

use std::sync::Arc;

use rohrpost_room::{NewEvent, canonical_object, check_redaction, may_redact};
use rohrpost_store::{Tx, Work};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedTransactionId, events::TimelineEventType,
};

use crate::{
    Caller, Refusal, Result, Server,
    limits::Kind,
    rooms::{append::append, check_txn_id, head::pdu},
};

/// What is to be redacted.
pub struct RedactEvent {
    /// Who redacts.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event.
    pub event_id: OwnedEventId,
    /// The device's name for this request; repeated, it gets the same answer.
    pub txn_id: OwnedTransactionId,
    /// Why.
    pub reason: Option<String>,
}

struct Unit {
    server: Arc<Server>,
    wanted: RedactEvent,
    endpoint: String,
    now: MilliSecondsSinceUnixEpoch,
}

/// Redacts an event; answers the id of the redaction.
///
/// # Errors
/// `NotFound` when there is no such event in the room, `Forbidden` when the caller may not redact it or nobody may.
pub async fn redact(server: &Arc<Server>, wanted: RedactEvent) -> Result<OwnedEventId> {
    check_txn_id(&wanted.txn_id)?;
    server.limit(Kind::Message, wanted.caller.user_id.as_str())?;
    let endpoint = format!("redact/{}/{}", wanted.room_id, wanted.event_id);
    let now = server.clock.now();
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
            endpoint,
            now,
        })
        .await
}

impl Work for Unit {
    type Out = OwnedEventId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedEventId> {
        let Unit {
            server,
            wanted,
            endpoint,
            now,
        } = self;
        let Caller {
            user_id, device_id, ..
        } = &wanted.caller;
        let mut head = server.heads.lock(tx, &wanted.room_id).await?;
        let txn_id = wanted.txn_id.as_str();
        if let Some(answer) = tx.txn_get(user_id, device_id, endpoint, txn_id).await? {
            return OwnedEventId::try_from(answer).map_err(|error| Refusal::Internal(error.to_string()));
        }
        if head.local_joined.binary_search(user_id).is_err() {
            return Err(Refusal::not_in_room());
        }
        let target = tx.event_get(head.room.nid, &wanted.event_id).await?;
        let target = pdu(
            &wanted.room_id,
            &target.ok_or_else(|| Refusal::not_found("this event was"))?,
        )?;
        if *target.sender() != **user_id {
            wanted.caller.may_take_part()?;
        }
        if !may_redact(&target, user_id, &head.power(tx).await?) {
            return Err(Refusal::Forbidden("you may not delete this event".to_owned()));
        }
        check_redaction(&target)?;
        let content = match &wanted.reason {
            Some(reason) => serde_json::json!({ "reason": reason }),
            None => serde_json::json!({}),
        };
        let new = NewEvent {
            kind: TimelineEventType::RoomRedaction,
            state_key: None,
            content: canonical_object(content)?,
            sender: user_id.clone(),
            redacts: Some(wanted.event_id.clone()),
            origin_server_ts: *now,
        };
        let pdu = append(server, tx, &mut head, new, Some((device_id, txn_id))).await?;
        let event_id = pdu.event_id();
        tx.txn_insert(
            user_id,
            device_id,
            endpoint,
            txn_id,
            event_id.as_str(),
            i64::from(now.0),
        )
        .await?;
        Ok(event_id.to_owned())
    }
}
