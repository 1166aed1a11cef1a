//! Threads as Element X shows them: a list of them, each a timeline of its own with receipts of its own, and a line
//! below the message that began it.

use anyhow::{Context as _, ensure};
use matrix_sdk::ThreadingSupport;
use matrix_sdk::room::edit::EditedContent;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk::ruma::events::AnyMessageLikeEventContent;
use matrix_sdk::ruma::events::receipt::ReceiptThread;
use matrix_sdk::ruma::events::relation::Thread;
use matrix_sdk::ruma::events::room::message::{
    Relation, RoomMessageEventContent, RoomMessageEventContentWithoutRelation,
};
use matrix_sdk_ui::timeline::{RoomExt as _, ThreadListService, TimelineEventItemId, TimelineFocus};

use crate::device;
use crate::lab::{Lab, eventually, eventually_true};
use crate::sliding::{Sliding, is, reads, shows};

pub(crate) async fn a_thread_is_listed_answered_and_read(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let builder = device::builder(&lab.server.url()).with_threading_support(ThreadingSupport::Enabled {
        with_subscriptions: false,
    });
    let phone = Sliding::log_in_with(builder, "ben.brueckner").await?;
    let timeline = phone.open(id).await?;
    phone.is_known_to(&anna).await?;
    let bens_room = timeline.room().clone();

    let question = lab.secret("Who has the file?");
    let asked = anna.say(id, &question).await?;
    reads(&timeline, &question).await?;
    let answer = lab.secret("It is on my desk.");
    let mut content = RoomMessageEventContent::text_plain(&answer);
    content.relates_to = Some(Relation::Thread(Thread::plain(asked.clone(), asked.clone())));
    let answered = room.send(content).await?.response.event_id;

    // Its own timeline, in which somebody answers.
    let focus = TimelineFocus::Thread {
        root_event_id: asked.clone(),
    };
    let thread = bens_room.timeline_builder().with_focus(focus).build().await?;
    thread.paginate_backwards(20).await?;
    ensure!(
        reads(&thread, &question).await? == asked,
        "the thread has another root"
    );
    ensure!(reads(&thread, &answer).await? == answered, "another answer");
    let thanks = lab.secret("Thank you.");
    let content = RoomMessageEventContent::text_plain(&thanks);
    thread
        .send(AnyMessageLikeEventContent::RoomMessage(content))
        .await?;
    let seen = anna.reads(id, &thanks).await?;
    let relation = &seen.event["content"]["m.relates_to"];
    ensure!(
        relation["rel_type"] == "m.thread" && relation["event_id"] == asked.as_str(),
        "not in the thread: {}",
        seen.event
    );
    let last = seen.event_id.clone();

    // An edit inside it.
    let corrected = lab.secret("Thank you very much.");
    shows(&thread, "the own answer has arrived", |event| is(event, &last)).await?;
    let edited = EditedContent::RoomMessage(RoomMessageEventContentWithoutRelation::text_plain(&corrected));
    thread
        .edit(&TimelineEventItemId::EventId(last.clone()), edited)
        .await?;
    anna.sees(id, "the edit arrives", |seen| {
        seen.event["content"]["m.new_content"]["body"] == *corrected
    })
    .await?;

    // The line below the message, and the list, both from what the server bundles.
    shows(&timeline, "the message says that it has a thread", |event| {
        let summary = event.content().thread_summary();
        is(event, &asked) && summary.is_some_and(|summary| summary.num_replies == 2)
    })
    .await?;
    let list = ThreadListService::new(bens_room.clone());
    list.paginate().await?;
    let listed = eventually("the thread is listed", async || Ok(list.items().first().cloned())).await?;
    ensure!(listed.root_event.event_id == asked, "another thread is listed");
    ensure!(
        listed.num_replies == 2,
        "{} replies are listed",
        listed.num_replies
    );
    let latest = listed.latest_event.context("the list has no latest event")?;
    ensure!(latest.event_id == last, "another event is the latest");

    // Read on the phone: Anna sees it of the thread, and of nothing else.
    let more = lab.secret("One more thing.");
    let mut content = RoomMessageEventContent::text_plain(&more);
    content.relates_to = Some(Relation::Thread(Thread::plain(asked.clone(), last.clone())));
    let newest = room.send(content).await?.response.event_id;
    reads(&thread, &more).await?;
    ensure!(
        thread.mark_as_read(ReceiptType::Read).await?,
        "nothing was unread"
    );
    let of_thread = ReceiptThread::Thread(asked.clone());
    eventually_true("Anna sees that Ben has read the thread", async || {
        use matrix_sdk::ruma::events::receipt::ReceiptType;
        let receipt = room.load_user_receipt(ReceiptType::Read, of_thread.clone(), ben.user_id());
        Ok(receipt.await?.is_some_and(|(event_id, _)| event_id == newest))
    })
    .await?;
    phone.ensure_running()
}
