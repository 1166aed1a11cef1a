//! One caller who waits for each answer.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::Scene;
use crate::{messages::Sender, server::Server, timing::Timings};

const WARM_UP: usize = 100;
const SENDS: usize = 1000;
/// Fewer than this many say too little.
const LEAST: usize = 500;
const LIMIT: Duration = Duration::from_secs(12);

/// How long each send takes when nobody else asks for anything.
pub(super) async fn measure(server: &Server, scene: &Scene) -> anyhow::Result<Timings> {
    let mut sender = Sender::connect(server.address, &scene.people[0], &scene.rooms[0], "single").await?;
    for _ in 0..WARM_UP {
        sender.send().await?;
    }
    let begun = Instant::now();
    let mut durations = Vec::with_capacity(SENDS);
    while durations.len() < SENDS && (durations.len() < LEAST || begun.elapsed() < LIMIT) {
        if begun.elapsed() > 2 * LIMIT {
            bail!(
                "{} sends took {:?}: too slow to be measured",
                durations.len(),
                begun.elapsed()
            );
        }
        let sent = Instant::now();
        sender.send().await?;
        durations.push(sent.elapsed());
    }
    Ok(Timings::new(durations))
}
