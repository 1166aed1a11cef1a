//! Plans an event.

use std::{sync::Arc, time::Duration};

use rohrpost_room::canonical_object;
use rohrpost_store::{DelayedEvent, Tx, Work};
use ruma::{OwnedRoomId, events::TimelineEventType};

use crate::{
    Caller, Refusal, Result, Server, delayed_events::KEEP, limits::Kind, random, rooms::check_txn_id,
};

/// Length of an id: whoever guesses one may send or cancel the event.
const ID_LENGTH: usize = 32;
/// The largest content, in bytes: what the largest event has space for.
const MAX_CONTENT_BYTES: usize = 65_536;

/// An event that is to be sent later.
pub struct Schedule {
    /// Who sends it.
    pub caller: Caller,
    /// Where to.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub kind: TimelineEventType,
    /// Its state key, for state events.
    pub state_key: Option<String>,
    /// The device's name for this request; repeated, it gets the same answer. `None`: the request has none.
    pub txn_id: Option<String>,
    /// Its content.
    pub content: serde_json::Value,
    /// For how long it is sticky, in ms.
    pub sticky_ms: Option<u32>,
    /// After what time it is sent.
    pub delay: Duration,
}

struct Unit {
    server: Arc<Server>,
    endpoint: String,
    event: DelayedEvent,
}

/// Plans an event; answers the id by which it can be restarted, cancelled and sent.
///
/// # Errors
/// `Forbidden` when the caller isn't in the room; `MaxDelayExceeded`; `LimitExceeded` when the caller has too many
/// waiting; `InvalidParam` without a delay; `BadJson`, `TooLarge` for content that can't stand in an event.
pub async fn schedule(server: &Arc<Server>, wanted: Schedule) -> Result<String> {
    wanted.caller.may_take_part()?;
    server.limit(Kind::Message, wanted.caller.user_id.as_str())?;
    if wanted.kind == TimelineEventType::RoomRedaction {
        return Err(Refusal::InvalidParam(
            "redactions are made by the redact endpoint".to_owned(),
        ));
    }
    if wanted.delay.is_zero() {
        return Err(Refusal::InvalidParam(
            "the delay must be at least 1 ms".to_owned(),
        ));
    }
    let max_delay = server.settings.quotas.max_delay;
    if wanted.delay > max_delay {
        return Err(Refusal::MaxDelayExceeded { max_delay });
    }
    if let Some(txn_id) = &wanted.txn_id {
        check_txn_id(txn_id.as_str().into())?;
    }
    let content = serde_json::to_string(&canonical_object(wanted.content)?)?;
    let names = [
        wanted.kind.to_string().len(),
        wanted.state_key.as_ref().map_or(0, String::len),
    ];
    if content.len() > MAX_CONTENT_BYTES || names.into_iter().any(|bytes| bytes > 255) {
        return Err(Refusal::TooLarge("no event may be as large as this".to_owned()));
    }
    let event = DelayedEvent {
        delay_id: random::name(&*server.rng, ID_LENGTH),
        user_id: wanted.caller.user_id,
        device_id: wanted.caller.device_id,
        room_id: wanted.room_id,
        kind: wanted.kind.to_string(),
        state_key: wanted.state_key,
        content,
        sticky_ms: wanted.sticky_ms.map(i64::from),
        txn_id: wanted.txn_id.unwrap_or_default(),
        delay_ms: i64::try_from(wanted.delay.as_millis()).unwrap_or(i64::MAX),
        running_since_ts: server.now_ts(),
        finalised_ts: None,
        event_id: None,
        error: None,
    };
    let endpoint = format!("delayed_event/{}/{}", event.room_id, event.kind);
    let server_ = Arc::clone(server);
    server
        .store
        .write(Unit {
            server: server_,
            endpoint,
            event,
        })
        .await
}

impl Work for Unit {
    type Out = String;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String> {
        let event = &self.event;
        let (user_id, device_id) = (&event.user_id, &event.device_id);
        // Of two equal requests the second finds the answer of the first.
        tx.user_lock(user_id).await?;
        if !event.txn_id.is_empty()
            && let Some(answer) = tx
                .txn_get(user_id, device_id, &self.endpoint, &event.txn_id)
                .await?
        {
            return Ok(answer);
        }
        let head = self.server.heads.read(tx, &event.room_id).await?;
        if head.local_joined.binary_search(user_id).is_err() {
            return Err(Refusal::not_in_room());
        }
        let (waiting, next_ts) = tx.delayed_event_waiting(user_id).await?;
        if waiting >= i64::from(self.server.settings.quotas.delayed_events) {
            let wait_ms = next_ts.unwrap_or_default() - event.running_since_ts;
            return Err(Refusal::LimitExceeded {
                retry_after_ms: u64::try_from(wait_ms).unwrap_or(0).max(1000),
            });
        }
        tx.delayed_event_trim(user_id, KEEP).await?;
        tx.delayed_event_insert(event).await?;
        if !event.txn_id.is_empty() {
            tx.txn_insert(
                user_id,
                device_id,
                &self.endpoint,
                &event.txn_id,
                &event.delay_id,
                event.running_since_ts,
            )
            .await?;
        }
        Ok(event.delay_id.clone())
    }
}
