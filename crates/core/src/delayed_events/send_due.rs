//! Sends the planned events whose time has come.

use std::sync::Arc;

use rohrpost_store::{DelayedEvent, Tx, Work};

use crate::{
    Refusal, Result, Server,
    delayed_events::{
        KEEP_MS,
        deliver::{When, deliver},
    },
};

/// How many are sent in one turn; the others follow in the next.
const AT_ONCE: u32 = 200;

/// Sends what is due; answers how many were due. To be called every second or so; called twice at once, nothing is sent
/// twice. An event that is refused is noted as refused and not tried again; one that couldn't be kept stays planned.
///
/// # Errors
/// Those of the store.
pub async fn send_due(server: &Arc<Server>) -> Result<usize> {
    let now_ts = server.now_ts();
    let due: Vec<DelayedEvent> = server
        .store
        .read(move |tx| {
            Box::pin(async move { Ok::<_, Refusal>(tx.delayed_event_due(now_ts, AT_ONCE).await?) })
        })
        .await?;
    let count = due.len();
    for event in due {
        let delay_id = event.delay_id.clone();
        match deliver(server, event, When::Due).await {
            Ok(_) => {}
            Err(Refusal::Store(error)) => return Err(Refusal::Store(error)),
            Err(refusal) => {
                let (errcode, error) = match &refusal {
                    Refusal::Internal(_) => {
                        tracing::error!(%refusal, "a planned event could not be sent");
                        ("M_UNKNOWN", refusal.to_string())
                    }
                    Refusal::Forbidden(text) => ("M_FORBIDDEN", text.clone()),
                    Refusal::TooLarge(text) => ("M_TOO_LARGE", text.clone()),
                    Refusal::BadJson(text) => ("M_BAD_JSON", text.clone()),
                    other => ("M_UNKNOWN", other.to_string()),
                };
                let refused = Refused {
                    delay_id,
                    errcode,
                    error,
                    now_ts,
                };
                server.store.write(refused).await?;
            }
        }
    }
    Ok(count)
}

/// Notes that an event was refused, unless somebody was faster.
struct Refused {
    delay_id: String,
    errcode: &'static str,
    error: String,
    now_ts: i64,
}

impl Work for Refused {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let stands = tx.delayed_event_lock(&self.delay_id).await?;
        if stands.is_some_and(|stands| stands.finalised_ts.is_none() && stands.send_ts() <= self.now_ts) {
            tx.delayed_event_refused(&self.delay_id, self.errcode, &self.error, self.now_ts)
                .await?;
        }
        Ok(())
    }
}

/// Forgets what became of events long ago, and which events were sticky.
///
/// # Errors
/// Those of the store.
pub async fn forget(server: &Arc<Server>) -> Result<()> {
    let now_ts = server.now_ts();
    server.store.write(Forget { now_ts }).await
}

struct Forget {
    now_ts: i64,
}

impl Work for Forget {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.delayed_event_delete_old(self.now_ts - KEEP_MS).await?;
        tx.sticky_event_delete_old(self.now_ts).await?;
        Ok(())
    }
}
