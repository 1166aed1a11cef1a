//! The server is stopped and started while people write.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use matrix_sdk::Room;
use matrix_sdk::ruma::OwnedEventId;
use matrix_sdk::ruma::events::AnyMessageLikeEventContent;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use matrix_sdk::send_queue::RoomSendQueueUpdate;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::lab::{Lab, eventually};
use crate::proxy::Proxy;
use crate::timeline::ensure_once;

/// The case that an idempotent send is for: the server has stored the message, the answer is lost, the server restarts,
/// and only then does the client try again.
pub(crate) async fn a_restart_in_the_middle_loses_and_doubles_nothing(lab: &mut Lab) -> anyhow::Result<()> {
    let proxy = Proxy::to(lab.server.port()).await?;
    let anna = lab.register_through(proxy.url(), "anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let (_, mut updates) = room.send_queue().subscribe().await?;

    let first = lab.secret("Sent as usual");
    queue(&room, &first).await?;
    ben.reads(id, &first).await?;
    let greeting = lab.secret("Answered as usual");
    ben.say(id, &greeting).await?;
    anna.reads(id, &greeting).await?;
    let mut sent = BTreeMap::new();
    sent_by_queue(&mut updates, &mut sent, 1).await?;

    proxy.lose_answers();
    let stored = lab.secret("Stored, but Anna doesn't know");
    queue(&room, &stored).await?;
    let stored_as = ben.reads(id, &stored).await?.event_id;
    lab.server.stop().await?;
    received(&mut updates, &mut sent)?;
    ensure!(sent.len() == 1, "no answer was lost: {sent:?}");
    let waiting = lab.secret("Written while the server is away");
    queue(&room, &waiting).await?;
    lab.server.run().await?;
    proxy.carry_answers();

    // The library stops its queue when there is no way through, and leaves it to the client to go on.
    eventually("the queue has delivered what was waiting", async || {
        anna.client.send_queue().set_enabled(true).await;
        room.send_queue().set_enabled(true);
        received(&mut updates, &mut sent)?;
        Ok((sent.len() >= 3).then_some(()))
    })
    .await?;
    ensure!(sent.len() == 3, "three messages were sent {} times", sent.len());
    ensure!(
        sent.values().any(|event| *event == stored_as),
        "the message whose answer was lost has another id after the restart: {stored_as} is not among {sent:?}"
    );
    let last = lab.secret("After the restart");
    ben.reads(id, &waiting).await?;
    ben.say(id, &last).await?;

    let texts = [&*first, &*greeting, &*stored, &*waiting, &*last];
    for person in [&anna, &ben] {
        for text in texts {
            person.reads(id, text).await?;
        }
        ensure_once(&person.timeline(id), &texts)?;
        ensure_once(&person.history(id).await?, &texts)?;
    }
    Ok(())
}

async fn queue(room: &Room, text: &str) -> anyhow::Result<()> {
    let content = AnyMessageLikeEventContent::RoomMessage(RoomMessageEventContent::text_plain(text));
    room.send_queue()
        .send(content)
        .await
        .context("can't queue a message")?;
    Ok(())
}

/// Waits until the queue has had so many answers.
async fn sent_by_queue(
    updates: &mut Receiver<RoomSendQueueUpdate>,
    sent: &mut BTreeMap<String, OwnedEventId>,
    count: usize,
) -> anyhow::Result<()> {
    eventually("the queue has delivered", async || {
        received(updates, sent)?;
        Ok((sent.len() >= count).then_some(()))
    })
    .await
}

/// Takes note of what the queue delivered: transaction ids with the event ids that the server gave.
fn received(
    updates: &mut Receiver<RoomSendQueueUpdate>,
    sent: &mut BTreeMap<String, OwnedEventId>,
) -> anyhow::Result<()> {
    loop {
        match updates.try_recv() {
            Ok(RoomSendQueueUpdate::SentEvent {
                transaction_id,
                event_id,
            }) => {
                let before = sent.insert(transaction_id.to_string(), event_id);
                ensure!(before.is_none(), "{transaction_id} was delivered twice");
            }
            Ok(RoomSendQueueUpdate::SendError {
                error,
                is_recoverable,
                ..
            }) => ensure!(is_recoverable, "the server refused a message: {error}"),
            Ok(_) => {}
            Err(TryRecvError::Empty) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
