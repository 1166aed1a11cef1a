//! Messages from one server to the other.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Place;
use crate::{
    people::{Person, register, segment},
    proc::cpu_time,
    report::Report,
};

/// Messages, and callers who send them at the same time.
const MESSAGES: usize = 8_000;
const CALLERS: usize = 32;
/// How long the last message may take.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn measure(
    host: &Place,
    guest: &Place,
    reader: &Person,
    report: &mut Report,
) -> anyhow::Result<()> {
    let senders = register(host.server.address, 1).await?;
    let sender = senders.first().context("nobody was registered")?;
    let mut sending = sender.connect(host.server.address).await?;
    let mut reading = reader.connect(guest.server.address).await?;
    let body = json!({ "preset": "public_chat", "name": "Between two" });
    let room = sending
        .json(Method::POST, "/_matrix/client/v3/createRoom", &body)
        .await?;
    let room = room["room_id"]
        .as_str()
        .context("createRoom answers no room_id")?
        .to_owned();
    let via = segment(&host.name);
    let join = format!(
        "/_matrix/client/v3/join/{}?via={via}&server_name={via}",
        segment(&room)
    );
    reading.json(Method::POST, &join, &json!({})).await?;
    let first = reading
        .json(Method::GET, "/_matrix/client/v3/sync?timeout=0", &Value::Null)
        .await?;
    let mut since = first["next_batch"].as_str().unwrap_or_default().to_owned();

    println!("sending {MESSAGES} messages from one server to the other");
    let before = [cpu_time(host.server.pid())?, cpu_time(guest.server.pid())?];
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut connection = sender.connect(host.server.address).await?;
        let room = segment(&room);
        callers.spawn(async move {
            for number in 0..MESSAGES / CALLERS {
                let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/{caller}-{number}");
                let body = json!({ "msgtype": "m.text", "body": "Ein Satz, wie er in Nachrichten steht." });
                connection.json(Method::PUT, &path, &body).await?;
            }
            anyhow::Ok(())
        });
    }
    let filter = segment(r#"{"room":{"timeline":{"limit":1000}}}"#);
    let (mut heard, mut sent_after) = (0, None);
    while heard < MESSAGES {
        while let Some(done) = callers.try_join_next() {
            done??;
        }
        if callers.is_empty() && sent_after.is_none() {
            sent_after = Some(begun.elapsed());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "only {heard} of {MESSAGES} messages arrived"
        );
        let path = format!(
            "/_matrix/client/v3/sync?timeout=100&filter={filter}&since={}",
            segment(&since)
        );
        let answer = reading.json(Method::GET, &path, &Value::Null).await?;
        since = answer["next_batch"].as_str().unwrap_or_default().to_owned();
        let timeline = &answer["rooms"]["join"][&room]["timeline"];
        ensure!(timeline["limited"] != true, "the reader was left behind");
        let events = timeline["events"].as_array().map_or(&[][..], Vec::as_slice);
        heard += events
            .iter()
            .filter(|event| event["type"] == "m.room.message")
            .count();
    }
    let took = begun.elapsed();
    let after = [cpu_time(host.server.pid())?, cpu_time(guest.server.pid())?];
    let count = u32::try_from(MESSAGES)?;
    let per_second = f64::from(count) / took.as_secs_f64();
    report.tell("messages from server to server", format!("{per_second:.0}/s"));
    for (name, (before, after)) in ["  CPU of each, sending server", "  CPU of each, receiving server"]
        .into_iter()
        .zip(before.into_iter().zip(after))
    {
        report.tell(name, crate::report::ms((after - before) / count));
    }
    Ok(())
}
