//! One of the two servers is away for a while.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use super::pair::{Pair, Side};
use crate::lab::eventually;

/// Longer than any attempt takes, and than several of them.
const AWAY: Duration = Duration::from_secs(60);
const MESSAGES: usize = 20;

pub(crate) async fn nothing_is_lost_while_synapse_is_away(pair: &mut Pair) -> anyhow::Result<()> {
    nothing_is_lost_while_one_is_away(pair, Side::Synapse).await
}

pub(crate) async fn nothing_is_lost_while_our_server_is_away(pair: &mut Pair) -> anyhow::Result<()> {
    nothing_is_lost_while_one_is_away(pair, Side::Ours).await
}

async fn nothing_is_lost_while_one_is_away(pair: &mut Pair, away: Side) -> anyhow::Result<()> {
    let host = pair.person(away.other(), "host").await?;
    let guest = pair.person(away, "guest").await?;
    let room = host
        .create_room(json!({ "preset": "private_chat", "invite": [guest.id] }))
        .await?;
    guest.accept(&room).await?;
    host.sees_member(&room, &guest, "join").await?;
    let mut said = Vec::new();
    host.say(&room, "before").await?;
    guest.reads(&room, "before").await?;
    said.push("before".to_owned());

    pair.stop(away).await?;
    for number in 1..=MESSAGES {
        let message = format!("meanwhile {number}");
        host.say(&room, &message).await?;
        said.push(message);
    }
    host.set_state(&room, "m.room.topic", "", json!({ "topic": "changed meanwhile" }))
        .await?;
    tokio::time::sleep(AWAY).await;
    pair.run(away).await?;

    let last = format!("meanwhile {MESSAGES}");
    guest.reads(&room, &last).await?;
    let heard = eventually("everything arrives", async || {
        let texts = guest.texts(&room).await?;
        Ok((texts.len() >= said.len()).then_some(texts))
    })
    .await?;
    ensure!(heard == said, "heard {heard:?}");
    guest
        .state_is(&room, ("m.room.topic", ""), |content| {
            content["topic"] == "changed meanwhile"
        })
        .await?;
    guest.say(&room, "here again").await?;
    host.reads(&room, "here again").await?;
    Ok(())
}
