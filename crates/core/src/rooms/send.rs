//! Sends a message event. The eight steps of a send meet here: lock and load, decide, commit once, wake.

use std::sync::Arc;

use rohrpost_room::{NewEvent, canonical_object};
use rohrpost_store::{Tx, Work};
use ruma::{
    CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedTransactionId,
    events::{MessageLikeEventType, TimelineEventType},
};

use crate::{
    Caller, Refusal, Result, Server,
    limits::Kind,
    rooms::{
        append::append_sticky,
        check_txn_id,
        redact::{RedactEvent, redact},
    },
};

/// What is to be sent.
pub struct SendMessage {
    /// Who sends it.
    pub caller: Caller,
    /// Where to.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub kind: MessageLikeEventType,
    /// The device's name for this request; repeated, it gets the same answer.
    pub txn_id: OwnedTransactionId,
    /// Its content.
    pub content: serde_json::Value,
    /// For how long it is sticky, in ms. `None`: it isn't.
    pub sticky_ms: Option<u32>,
    /// When it was sent. Only an application service may say; `None`: now.
    pub ts: Option<MilliSecondsSinceUnixEpoch>,
}

/// When an event was sent, as far as the caller may say: an application service passes on what was said elsewhere, maybe
/// long ago.
///
/// <https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging>
pub(crate) fn massaged(
    caller: &Caller,
    ts: Option<MilliSecondsSinceUnixEpoch>,
) -> Option<MilliSecondsSinceUnixEpoch> {
    ts.filter(|_| caller.appservice.is_some())
}

struct Unit {
    server: Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    kind: TimelineEventType,
    endpoint: String,
    txn_id: OwnedTransactionId,
    content: CanonicalJsonObject,
    sticky_ms: Option<u32>,
    ts: MilliSecondsSinceUnixEpoch,
    now: MilliSecondsSinceUnixEpoch,
}

/// Sends a message event; answers its id. The same device repeating the same request gets the same id. A redaction is
/// made as by [`redact`]; of its content only `redacts` and `reason` are taken.
///
/// # Errors
/// `Forbidden` when the room's rules or the encryption policy refuse it, `TooLarge` over 65,536 bytes, `BadJson`
/// for content that can't stand in an event.
pub async fn send(server: &Arc<Server>, message: SendMessage) -> Result<OwnedEventId> {
    let SendMessage {
        caller,
        room_id,
        kind,
        txn_id,
        content,
        sticky_ms,
        ts,
    } = message;
    check_txn_id(&txn_id)?;
    if kind == MessageLikeEventType::RoomRedaction {
        let wanted = redaction(caller, room_id, txn_id, &content)?;
        return redact(server, wanted).await;
    }
    server.limit(Kind::Message, caller.user_id.as_str())?;
    let now = server.clock.now();
    let unit = Unit {
        server: Arc::clone(server),
        ts: massaged(&caller, ts).unwrap_or(now),
        now,
        endpoint: format!("send/{room_id}/{kind}"),
        kind: kind.to_string().into(),
        content: canonical_object(content)?,
        sticky_ms,
        caller,
        room_id,
        txn_id,
    };
    server.store.write(unit).await
}

/// What an event of type `m.room.redaction` redacts, in all room versions: "clients MAY use the PUT
/// /rooms/{roomId}/send/{eventType}/{txnId} endpoint to send m.room.redaction events in all room versions."
fn redaction(
    caller: Caller,
    room_id: OwnedRoomId,
    txn_id: OwnedTransactionId,
    content: &serde_json::Value,
) -> Result<RedactEvent> {
    let text = |key: &str| content.get(key).and_then(serde_json::Value::as_str);
    let event_id = text("redacts")
        .and_then(|id| OwnedEventId::try_from(id).ok())
        .ok_or_else(|| Refusal::BadJson("redacts must be the id of an event".to_owned()))?;
    Ok(RedactEvent {
        caller,
        room_id,
        event_id,
        txn_id,
        reason: text("reason").map(str::to_owned),
    })
}

impl Work for Unit {
    type Out = OwnedEventId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedEventId> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        // The lock comes first, so that of two equal requests the second finds the answer of the first.
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        let txn_id = self.txn_id.as_str();
        if let Some(answer) = tx.txn_get(user_id, device_id, &self.endpoint, txn_id).await? {
            return OwnedEventId::try_from(answer).map_err(|error| Refusal::Internal(error.to_string()));
        }
        if head.local_joined.binary_search(user_id).is_err() {
            return Err(Refusal::not_in_room());
        }
        // To the administrators a suspended person may still answer.
        if self.caller.suspended && tx.notice_room_get(user_id).await? != Some(head.room.nid) {
            return Err(Refusal::UserSuspended);
        }
        let new = NewEvent {
            kind: self.kind.clone(),
            state_key: None,
            content: self.content.clone(),
            sender: user_id.clone(),
            redacts: None,
            origin_server_ts: self.ts,
        };
        let sent = Some((&**device_id, txn_id));
        let pdu = append_sticky(&self.server, tx, &mut head, new, sent, self.sticky_ms).await?;
        let event_id = pdu.event_id();
        let now_ts = i64::from(self.now.0);
        tx.txn_insert(
            user_id,
            device_id,
            &self.endpoint,
            txn_id,
            event_id.as_str(),
            now_ts,
        )
        .await?;
        Ok(event_id.to_owned())
    }
}
