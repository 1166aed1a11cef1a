//! One caller who waits for each answer.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::Scene;
use crate::{messages::Sender, server::Server};

const WARM_UP: usize = 50;
const SENDS: usize = 250;
/// Fewer than this many say too little.
const LEAST: usize = 125;
const LIMIT: Duration = Duration::from_secs(3);

/// How long sends take when nobody else asks for anything. Each `round` needs a number of its own.
pub(super) async fn measure(server: &Server, scene: &Scene, round: usize) -> anyhow::Result<Vec<Duration>> {
    let series = format!("single{round}-");
    let mut sender = Sender::connect(server.address, &scene.people[0], &scene.rooms[0], &series).await?;
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
    Ok(durations)
}
