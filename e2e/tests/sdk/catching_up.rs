//! What a device is told after a long absence, and what was read meanwhile.

use anyhow::{Context as _, ensure};
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk::ruma::events::receipt::{self, ReceiptThread};

use crate::lab::{Lab, eventually_true};
use crate::timeline::{Seen, ensure_once};

/// More than any server sends at once when nobody says how much.
const MISSED: usize = 45;

/// How much a client asks for at a time.
const PAGE: u32 = 10;

pub(crate) async fn nothing_is_missing_or_doubled_after_a_long_absence(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let mut ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let mut said = vec![lab.secret("Before the holiday")];
    anna.say(id, &said[0]).await?;
    ben.reads(id, &said[0]).await?;

    ben.pause().await;
    let shown_before = ben.timeline(id).len();
    for number in 0..MISSED {
        let text = lab.secret(&format!("While Ben was away, number {number}"));
        anna.say(id, &text).await?;
        said.push(text);
    }
    ben.resume();
    ben.reads(id, &said[MISSED]).await?;

    let mut known = ben.timeline(id).split_off(shown_before);
    ensure!(
        known.len() < MISSED,
        "no gap was left: {} events at once",
        known.len()
    );
    let bens_room = ben.client.get_room(id).context("Ben is not in the room")?;
    let mut from = bens_room.last_prev_batch();
    ensure!(from.is_some(), "nobody says where the gap begins");
    // Backwards from the gap to the beginning of the room.
    while let Some(token) = from {
        let mut options = MessagesOptions::backward().from(Some(token.as_str()));
        options.limit = PAGE.into();
        let page = bens_room.messages(options).await?;
        let mut events = page
            .chunk
            .iter()
            .map(Seen::new)
            .collect::<anyhow::Result<Vec<_>>>()?;
        events.reverse();
        events.append(&mut known);
        known = events;
        from = page.end;
    }

    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    ensure_once(&known, &texts)?;
    let in_order: Vec<&str> = known.iter().filter_map(Seen::text).collect();
    ensure!(in_order == texts, "in another order: {in_order:?}");
    ensure!(
        known[0].event["type"] == "m.room.create",
        "the beginning is missing: {:?}",
        known[0]
    );
    Ok(())
}

pub(crate) async fn unread_counts_follow_what_was_read(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let bens_room = ben.client.get_room(id).context("Ben is not in the room")?;

    let mut last = None;
    for number in 1..=3 {
        let text = lab.secret(&format!("Unread, number {number}"));
        last = Some(anna.say(id, &text).await?);
        ben.reads(id, &text).await?;
        eventually_true("Ben's unread messages are counted", async || {
            Ok(bens_room.unread_notification_counts().notification_count == number)
        })
        .await?;
    }
    let last = last.context("nothing was said")?;
    bens_room
        .send_single_receipt(ReceiptType::Read, ReceiptThread::Unthreaded, last.clone())
        .await
        .context("can't say that it was read")?;
    eventually_true("nothing is unread any more", async || {
        Ok(bens_room.unread_notification_counts().notification_count == 0)
    })
    .await?;
    eventually_true("Anna sees how far Ben has read", async || {
        let receipts = room.load_event_receipts(receipt::ReceiptType::Read, ReceiptThread::Unthreaded, &last);
        let receipts = receipts.await?;
        Ok(receipts.iter().any(|(user, _)| user == ben.user_id()))
    })
    .await
}
