//! A client that knows everything but one message.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::{Account, MANY, cost::Costs, sliding, v3};
use crate::{messages::Sender, people::Person, server::Server};

/// How often both accounts are measured in turns.
pub(super) const ROUNDS: usize = 4;
const MESSAGES: usize = 50;
const WARM_UP: usize = 5;

/// What it costs to be told of a message that is there already.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) v3: Costs,
    pub(super) sliding: Costs,
}

impl Heard {
    pub(super) fn add(&mut self, other: Self) {
        self.v3.add(other.v3);
        self.sliding.add(other.sliding);
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
    let (_, mut pos) = sliding(&mut connection, None, MANY, Duration::ZERO).await?;
    let mut heard = Heard::default();
    for number in 0..WARM_UP + MESSAGES {
        if number == WARM_UP {
            heard = Heard::default();
        }
        let event_id = sender.send().await?;
        let asked = v3(&mut connection, Some(&since), Duration::ZERO);
        let (answer, next) = heard.v3.of(server, asked).await?;
        since = next;
        let events = answer["rooms"]["join"][&account.shared]["timeline"]["events"].as_array();
        let last = events
            .and_then(|events| events.last())
            .context("v3 misses a message")?;
        ensure!(last["event_id"] == event_id.as_str(), "v3 shows another message");
        let asked = sliding(&mut connection, Some(&pos), MANY, Duration::ZERO);
        let (answer, next) = heard.sliding.of(server, asked).await?;
        pos = next;
        let events = answer["rooms"][&account.shared]["timeline"].as_array();
        let last = events
            .and_then(|events| events.last())
            .context("sliding sync misses a message")?;
        ensure!(
            last["event_id"] == event_id.as_str(),
            "sliding sync shows another message"
        );
    }
    Ok(heard)
}
