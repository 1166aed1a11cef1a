//! One who sends and one who waits for news, as a client in the foreground does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{ROOMS, Scene};
use crate::{http_client::Connection, messages::Sender, people::segment, server::Server};

const WARM_UP: usize = 20;
const SENDS: usize = 100;
const LIMIT: Duration = Duration::from_secs(4);
/// After this long the reader has asked again and waits.
const PAUSE: Duration = Duration::from_millis(2);
/// An event that hasn't arrived by then never will.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it takes from before a request to the event's arrival at the other one. Each `round` needs a number of
/// its own.
pub(super) async fn measure(server: &Server, scene: &Scene, round: usize) -> anyhow::Result<Vec<Duration>> {
    let series = format!("way{round}-");
    let mut sender = Sender::connect(server.address, &scene.people[0], &scene.rooms[0], &series).await?;
    let reader = scene.people[ROOMS].connect(server.address).await?;
    let (arrived, mut arrivals) = mpsc::channel(16);
    let mut reading = JoinSet::new();
    reading.spawn(read(reader, scene.rooms[0].clone(), arrived));
    // The first answer is everything there was so far.
    arrivals.recv().await.context("the reader hears nothing")?;

    let begun = Instant::now();
    let mut durations = Vec::with_capacity(SENDS);
    for number in 0..WARM_UP + SENDS {
        if begun.elapsed() > LIMIT {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let sent = Instant::now();
        let event_id = sender.send().await?;
        let at = loop {
            let arrival = timeout(PATIENCE, arrivals.recv())
                .await
                .context("an event never arrived")?;
            let Some(Arrival { at, event_ids }) = arrival else {
                bail!("the reader gave up: {:?}", reading.join_next().await);
            };
            if event_ids.contains(&event_id) {
                break at;
            }
        };
        if number >= WARM_UP {
            durations.push(at - sent);
        }
    }
    Ok(durations)
}

/// What an answer brought, and when.
struct Arrival {
    at: Instant,
    event_ids: Vec<String>,
}

/// Asks for news again and again.
async fn read(mut reader: Connection, room_id: String, arrived: mpsc::Sender<Arrival>) -> anyhow::Result<()> {
    let filter = segment(r#"{"room":{"state":{"lazy_load_members":true}}}"#);
    let mut since = String::new();
    loop {
        let path = format!("/_matrix/client/v3/sync?timeout=30000&filter={filter}{since}");
        let answer: Value = reader.json(Method::GET, &path, &Value::Null).await?;
        let at = Instant::now();
        let next = answer["next_batch"]
            .as_str()
            .context("a sync without next_batch")?;
        since = format!("&since={}", segment(next));
        let events = answer["rooms"]["join"][&room_id]["timeline"]["events"].as_array();
        let ids = events
            .into_iter()
            .flatten()
            .filter_map(|event| event["event_id"].as_str());
        let event_ids = ids.map(str::to_owned).collect();
        if arrived.send(Arrival { at, event_ids }).await.is_err() {
            return Ok(());
        }
    }
}
