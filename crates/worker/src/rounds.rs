//! One turn after the other until the server stops.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use rohrpost_core::{Result, Server};
use tokio::time::{sleep, timeout};

/// Wait after a commit, so that several are done in one turn.
const GATHER: Duration = Duration::from_millis(100);
/// Longest wait for a commit: other nodes write, too, and what failed is due again.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// How long what is under way may take when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs `turn` again and again. What fails is logged as `what`, and done again at the next turn.
pub(crate) async fn run(
    server: Arc<Server>,
    what: &'static str,
    turn: impl Fn(Arc<Server>) -> BoxFuture<'static, Result<()>> + Send,
) {
    let mut commits = server.commits();
    while !server.is_stopping() {
        commits.mark_unchanged();
        let mut done = turn(Arc::clone(&server));
        let done = tokio::select! {
            done = &mut done => done,
            () = server.stopped() => match timeout(LAST_WORDS, done).await {
                Ok(done) => done,
                // Whoever was not told yet is told after the start.
                Err(_) => return,
            },
        };
        if let Err(error) = done {
            tracing::error!(%error, what, "work beside the requests failed and is tried again");
        }
        tokio::select! {
            () = server.stopped() => return,
            () = sleep(LOOK_AGAIN) => {}
            _ = commits.changed() => sleep(GATHER).await,
        }
    }
}
