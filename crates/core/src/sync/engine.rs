//! Answers a sync: at once when there is something, else when there is, or when the time is up.
//!
//! While it waits it holds nothing but one watch channel. It registers before it reads, so that nothing that is
//! committed in between is missed.

use std::{sync::Arc, time::Duration};

use metrics::Gauge;
use rohrpost_store::{StreamPos, Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId, UserId, api::client::filter::FilterDefinition};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    Caller, Refusal, Result, Server,
    sync::{
        snapshot::{SyncAnswer, snapshot},
        token::NextBatch,
    },
};

/// The longest a sync waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);

/// What is asked for.
pub struct SyncRequest {
    /// Who asks.
    pub caller: Caller,
    /// What was seen before; `None`: nothing.
    pub since: Option<NextBatch>,
    /// What is wanted.
    pub filter: FilterDefinition,
    /// All rooms with their whole state, whatever was seen before.
    pub full_state: bool,
    /// State changes up to the end of the timeline instead of to its start.
    pub use_state_after: bool,
    /// How long to wait when nothing changed.
    pub timeout: Duration,
}

/// What changed for the caller since they last asked. What their device saw of to-device messages is removed.
///
/// # Errors
/// `UnknownToken` when the device is signed out while it waits.
pub async fn sync(server: &Arc<Server>, request: SyncRequest) -> Result<SyncAnswer> {
    let request = Arc::new(request);
    let Caller {
        user_id, device_id, ..
    } = &request.caller;
    if let Some(since) = request.since {
        forget_seen(server, user_id.clone(), device_id.clone(), since.to_device).await?;
    }
    let mut waiter = Waiter::new(server, user_id, request.timeout);
    let mut counts_before = None;
    loop {
        let (server_, request_) = (Arc::clone(server), Arc::clone(&request));
        let store = &server.store;
        let answer = match &counts_before {
            None => {
                store
                    .read(move |tx| Box::pin(changes(server_, request_, tx)))
                    .await?
            }
            // Only what came while it waited: little, and somebody waits for it.
            Some(_) => {
                store
                    .look_up(move |tx| Box::pin(changes(server_, request_, tx)))
                    .await?
            }
        };
        // A one-time key that was handed out shows in the counts only.
        let counts = (answer.one_time_keys.clone(), answer.unused_fallback_keys.clone());
        let is_same_counts = counts_before.as_ref().is_none_or(|before| *before == counts);
        let must_answer = request.since.is_none() || request.full_state || !is_same_counts;
        if must_answer || !answer.is_empty() || server.is_stopping() {
            return Ok(answer);
        }
        counts_before = Some(counts);
        if !waiter.woken(server).await {
            return Ok(answer);
        }
    }
}

/// Waits for news. Make it first, then read, then wait: nothing falls between.
pub(crate) struct Waiter {
    news: watch::Receiver<u64>,
    deadline: Instant,
}

impl Waiter {
    pub(crate) fn new(server: &Server, user_id: &UserId, timeout: Duration) -> Self {
        Self {
            news: server.notify.subscribe(user_id),
            deadline: Instant::now() + timeout.min(MAX_TIMEOUT),
        }
    }

    /// Whether there may be news. `false`: the time is up, or the server is about to stop.
    pub(crate) async fn woken(&mut self, server: &Server) -> bool {
        let _waiting = Waiting::begin();
        tokio::select! {
            woken = timeout_at(self.deadline, self.news.changed()) => woken.is_ok(),
            () = server.stopped() => false,
        }
    }
}

/// Counts a sync among those that wait, until it doesn't.
struct Waiting(Gauge);

impl Waiting {
    fn begin() -> Self {
        let waiting = metrics::gauge!("rohrpost_syncs_waiting");
        waiting.increment(1);
        Self(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// What changed, for those who are still signed in.
async fn changes(server: Arc<Server>, request: Arc<SyncRequest>, tx: &mut Tx<'_>) -> Result<SyncAnswer> {
    request.caller.check_still_signed_in(tx).await?;
    snapshot(&server, tx, &request).await
}

/// Removes the to-device messages that the device has seen. Costs no write when there are none.
pub(crate) async fn forget_seen(
    server: &Arc<Server>,
    user_id: OwnedUserId,
    device_id: OwnedDeviceId,
    upto: StreamPos,
) -> Result<()> {
    let (of_user, of_device) = (user_id.clone(), device_id.clone());
    let any = server
        .store
        .look_up(move |tx| Box::pin(async move { tx.to_device_any(&of_user, &of_device, upto).await }))
        .await?;
    if any {
        server
            .store
            .write(ForgetSeen {
                user_id,
                device_id,
                upto,
            })
            .await?;
    }
    Ok(())
}

struct ForgetSeen {
    user_id: OwnedUserId,
    device_id: OwnedDeviceId,
    upto: StreamPos,
}

impl Work for ForgetSeen {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.to_device_delete(&self.user_id, &self.device_id, self.upto)
            .await?;
        Ok(())
    }
}
