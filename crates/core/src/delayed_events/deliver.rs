//! Sends a planned event now, exactly once: that it was sent is noted in the transaction that sends it.

use std::sync::Arc;

use rohrpost_room::NewEvent;
use rohrpost_store::{DelayedEvent, Tx, Work};
use ruma::{CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedEventId};

use crate::{
    Refusal, Result, Server,
    rooms::{append::append_sticky, set_state::NewState},
};

/// Sends one. `Ok(None)`: somebody decided otherwise in the meantime.
///
/// # Errors
/// Those of sending the event at this moment; it is still planned then.
pub(super) async fn deliver(
    server: &Arc<Server>,
    event: DelayedEvent,
    when: When,
) -> Result<Option<OwnedEventId>> {
    let unit = Unit {
        server: Arc::clone(server),
        content: serde_json::from_str(&event.content)?,
        event,
        when,
        now: server.clock.now(),
    };
    server.store.write(unit).await
}

/// At what time it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// When its time has come.
    Due,
    /// Now.
    Now,
}

struct Unit {
    server: Arc<Server>,
    event: DelayedEvent,
    content: CanonicalJsonObject,
    when: When,
    now: MilliSecondsSinceUnixEpoch,
}

impl Work for Unit {
    type Out = Option<OwnedEventId>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<OwnedEventId>> {
        let Self { server, event, .. } = self;
        // The room first, as everywhere; then nobody else decides about the event.
        let mut head = server.heads.lock(tx, &event.room_id).await?;
        let now_ts = i64::from(self.now.0);
        let stands = tx.delayed_event_lock(&event.delay_id).await?;
        let stands = stands.filter(|stands| stands.finalised_ts.is_none());
        if stands.is_none_or(|stands| self.when == When::Due && stands.send_ts() > now_ts) {
            return Ok(None);
        }
        if tx.user_restrictions(&event.user_id).await?.suspended {
            return Err(Refusal::UserSuspended);
        }
        let event_id = match &event.state_key {
            Some(state_key) => {
                let state = NewState {
                    server: Arc::clone(server),
                    user_id: event.user_id.clone(),
                    room_id: event.room_id.clone(),
                    kind: event.kind.as_str().into(),
                    state_key: state_key.clone(),
                    content: self.content.clone(),
                    now: self.now,
                };
                state.put(tx, &mut head).await?
            }
            None => {
                let new = NewEvent {
                    kind: event.kind.as_str().into(),
                    state_key: None,
                    content: self.content.clone(),
                    sender: event.user_id.clone(),
                    redacts: None,
                    origin_server_ts: self.now,
                };
                let sent = (!event.txn_id.is_empty()).then_some((&*event.device_id, &*event.txn_id));
                let sticky_ms = event.sticky_ms.and_then(|ms| u32::try_from(ms).ok());
                let pdu = append_sticky(server, tx, &mut head, new, sent, sticky_ms).await?;
                pdu.event_id().to_owned()
            }
        };
        tx.delayed_event_sent(&event.delay_id, &event_id, now_ts).await?;
        Ok(Some(event_id))
    }
}
