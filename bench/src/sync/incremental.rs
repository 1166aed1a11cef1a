//! A client that knows everything but one message.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::{Account, MANY, sliding, v3};
use crate::{messages::Sender, people::Person, server::Server};

/// How often both accounts are measured in turns.
pub(super) const ROUNDS: usize = 4;
const MESSAGES: usize = 50;
const WARM_UP: usize = 5;

/// How long it took to be told of a message that was there already.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) v3: Vec<Duration>,
    pub(super) sliding: Vec<Duration>,
}

impl Heard {
    pub(super) fn add(&mut self, other: Self) {
        self.v3.extend(other.v3);
        self.sliding.extend(other.sliding);
    }
}

/// Each `round` needs a number of its own.
pub(super) async fn measure(
    server: &Server,
    writer: &Person,
    account: &Account<'_>,
    round: usize,
) -> anyhow::Result<Heard> {
    let series = format!("news{round}-");
    let mut sender = Sender::connect(server.address, writer, &account.shared, &series).await?;
    let mut connection = account.person.connect(server.address).await?;
    let (_, mut since) = v3(&mut connection, None, Duration::ZERO).await?;
    let (_, mut pos) = sliding(&mut connection, None, MANY).await?;
    let mut heard = Heard::default();
    for number in 0..WARM_UP + MESSAGES {
        let event_id = sender.send().await?;
        let begun = Instant::now();
        let (answer, next) = v3(&mut connection, Some(&since), Duration::ZERO).await?;
        let took_v3 = begun.elapsed();
        since = next;
        let events = answer["rooms"]["join"][&account.shared]["timeline"]["events"].as_array();
        let last = events
            .and_then(|events| events.last())
            .context("v3 misses a message")?;
        ensure!(last["event_id"] == event_id.as_str(), "v3 shows another message");
        let begun = Instant::now();
        let (answer, next) = sliding(&mut connection, Some(&pos), MANY).await?;
        let took_sliding = begun.elapsed();
        pos = next;
        let events = answer["rooms"][&account.shared]["timeline"].as_array();
        let last = events
            .and_then(|events| events.last())
            .context("sliding sync misses a message")?;
        ensure!(
            last["event_id"] == event_id.as_str(),
            "sliding sync shows another message"
        );
        if number >= WARM_UP {
            heard.v3.push(took_v3);
            heard.sliding.push(took_sliding);
        }
    }
    Ok(heard)
}
