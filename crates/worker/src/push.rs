//! Follows the stream, and tells pushers what they should know.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt as _, future::BoxFuture, stream};
use rohrpost_core::{
    Result, Server,
    ports::{Egress, Post, PostError, Posted},
    push::{
        deliver,
        walk::{Walked, walk},
    },
};

/// Pushers that are taken at a time.
const BATCH: u32 = 100;
/// Pushers that are told something at the same time.
const AT_ONCE: usize = 20;
/// After so many failures of one gateway in a turn, the others who use it wait for another turn.
const MAX_FAILURES: u32 = 3;

/// Runs until the server stops.
pub async fn run(server: Arc<Server>, egress: Arc<dyn Egress>) {
    let again = move |server: Arc<Server>| -> BoxFuture<'static, Result<()>> {
        let egress = Arc::clone(&egress);
        Box::pin(async move { turn(&server, &egress).await })
    };
    crate::rounds::run(server, "push", again).await;
}

/// Does everything there is to do at the moment.
///
/// # Errors
/// Those of the store.
pub async fn turn(server: &Arc<Server>, egress: &Arc<dyn Egress>) -> Result<()> {
    while walk(server).await? == Walked::More {
        if server.is_stopping() {
            return Ok(());
        }
    }
    let egress = Arc::new(Sparing {
        egress: Arc::clone(egress),
        failures: Mutex::default(),
    });
    while !server.is_stopping() {
        let taken = deliver::take(server, BATCH).await?;
        if taken.is_empty() {
            break;
        }
        let tell = |due| -> BoxFuture<'static, Result<()>> {
            let (server, egress) = (Arc::clone(server), Arc::clone(&egress));
            Box::pin(async move { deliver::deliver(&server, &*egress, due).await })
        };
        let telling: Vec<_> = taken.into_iter().map(tell).collect();
        let mut told = stream::iter(telling).buffer_unordered(AT_ONCE);
        while let Some(told) = told.next().await {
            told?;
        }
    }
    Ok(())
}

/// Doesn't wait for a gateway again that didn't answer others just now.
struct Sparing {
    egress: Arc<dyn Egress>,
    failures: Mutex<HashMap<String, u32>>,
}

impl Sparing {
    fn failures(&self, origin: &str, more: u32) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(origin.to_owned()).or_default();
        *count += more;
        *count
    }
}

impl Egress for Sparing {
    fn post(&self, post: Post) -> BoxFuture<'_, Result<Posted, PostError>> {
        Box::pin(async move {
            let origin = post.url.origin().ascii_serialization();
            if self.failures(&origin, 0) >= MAX_FAILURES {
                return Err(PostError::Failed);
            }
            let answer = self.egress.post(post).await;
            let has_failed = !matches!(&answer, Ok(posted) if posted.status < 500);
            self.failures(&origin, u32::from(has_failed));
            answer
        })
    }
}
