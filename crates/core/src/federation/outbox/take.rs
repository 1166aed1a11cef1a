//! Which servers can be told something now.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::OwnedServerName;

use super::pause;
use crate::{Refusal, Result, Server};

/// How long a node keeps a server beyond the longest time for an answer, in ms: until then it has written down what came of
/// it. If the node breaks down, another one goes on after that.
const MARGIN_MS: i64 = 30_000;

/// Until when a server is kept that is taken now.
pub(super) fn lease_until(server: &Server) -> i64 {
    server.now_ts() + pause::ms(server.settings.outbox.patience) + MARGIN_MS
}

/// A server that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: OwnedServerName,
    /// Whether it didn't answer lately.
    pub is_failing: bool,
}

struct Take {
    heard: Vec<OwnedServerName>,
    now_ts: i64,
    until_ts: i64,
    limit: usize,
    limit_failing: usize,
}

impl Work for Take {
    type Out = Vec<Taken>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Taken>> {
        for server in &self.heard {
            tx.destination_retry_now(server).await?;
        }
        let mut taken = Vec::new();
        for (is_failing, limit) in [(false, self.limit), (true, self.limit_failing)] {
            let limit = limit.min(self.limit - taken.len());
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            let names = tx
                .destination_lease(self.now_ts, self.until_ts, is_failing, limit)
                .await?;
            taken.extend(names.into_iter().map(|name| Taken { name, is_failing }));
        }
        Ok(taken)
    }
}

/// Takes up to `limit` servers for which rows wait and whose time has come, up to `limit_failing` of them such that didn't
/// answer lately. Until they are given back or a minute or so has passed, no other node gets them.
///
/// # Errors
/// Those of the store.
pub async fn take(server: &Arc<Server>, limit: usize, limit_failing: usize) -> Result<Vec<Taken>> {
    let now_ts = server.now_ts();
    let heard = std::mem::take(&mut server.outbox.memory().heard);
    if heard.is_empty() {
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.destination_any_due(now_ts).await?) }));
        if !reading.await? {
            return Ok(Vec::new());
        }
    }
    let take = Take {
        heard,
        now_ts,
        until_ts: lease_until(server),
        limit,
        limit_failing,
    };
    server.store.write(take).await
}

/// Servers for which something waits in memory only.
#[must_use]
pub fn waiting_in_memory(server: &Server, limit: usize) -> Vec<OwnedServerName> {
    server.outbox.ephemeral.servers(limit)
}

struct Release(Vec<OwnedServerName>);

impl Work for Release {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        for server in &self.0 {
            tx.destination_lease_until(server, 0).await?;
        }
        Ok(())
    }
}

/// Gives servers back that were taken and not told what there was.
///
/// # Errors
/// Those of the store.
pub async fn release(server: &Arc<Server>, taken: Vec<OwnedServerName>) -> Result<()> {
    match taken.is_empty() {
        true => Ok(()),
        false => server.store.write(Release(taken)).await,
    }
}
