//! What was said before somebody came.

use anyhow::ensure;

use super::pair::{Pair, SIDES};

/// More than any server sends along with a join, or in one piece afterwards.
const MESSAGES: usize = 500;

pub(crate) async fn five_hundred_older_messages_are_fetched_in_their_order(
    pair: &mut Pair,
) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let (room, alias) = host.public_room("archive").await?;
        let said: Vec<String> = (1..=MESSAGES).map(|number| format!("number {number}")).collect();
        for message in &said {
            host.say(&room, message).await?;
        }
        guest.join(&alias, &[]).await?;
        let read = guest.whole_history(&room).await?;
        ensure!(
            read == said,
            "{} of {MESSAGES} messages, the first of them {:?}",
            read.len(),
            read.first()
        );
    }
    Ok(())
}
