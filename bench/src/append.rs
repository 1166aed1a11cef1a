//! The store alone, without a server around it: what the server's rate is held against.

use std::sync::Arc;

use anyhow::Context as _;
use rohrpost_store::{AfterCommit, Committed, Store, Wakes};

#[expect(
    dead_code,
    reason = "an example of the store, with a main function of its own"
)]
#[expect(
    unreachable_pub,
    reason = "the file is a program of its own as well, where the item is public"
)]
#[path = "../../crates/store/examples/append_rate.rs"]
mod append_rate;

struct Nobody;

impl Committed for Nobody {
    fn committed(&self, _: Wakes) {}
}

/// Durable appends each second of the database at `url`, measured for so many seconds.
pub(crate) fn rate(url: &str, seconds: f64) -> anyhow::Result<f64> {
    // As the server would have it: a thread for each core.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(url, 16, Arc::new(AfterCommit), Arc::new(Nobody)).await;
        let store = store.context("can't open the store for the bare appends")?;
        append_rate::append_rate(&store, 0.3).await?;
        let rate = append_rate::append_rate(&store, seconds).await?;
        store.close().await;
        Ok(rate)
    })
}
