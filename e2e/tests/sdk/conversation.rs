//! Two people in a room that nobody but the server decided to encrypt.

use anyhow::{Context as _, ensure};
use matrix_sdk::room::edit::EditedContent;
use matrix_sdk::room::reply::{EnforceThread, Reply};
use matrix_sdk::ruma::events::reaction::ReactionEventContent;
use matrix_sdk::ruma::events::relation::Annotation;
use matrix_sdk::ruma::events::room::message::{AddMentions, RoomMessageEventContentWithoutRelation};
use serde_json::json;

use crate::lab::Lab;
use crate::timeline::{Readable, ensure_once};

pub(crate) async fn two_people_read_what_the_other_wrote(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let state = room.latest_encryption_state().await?;
    ensure!(
        state.is_encrypted(),
        "the room is not encrypted from its first moment"
    );

    let mut said = Vec::new();
    for number in 1..=5 {
        for (speaker, listener) in [(&anna, &ben), (&ben, &anna)] {
            let text = lab.secret(&format!("Umlaute äöüß, number {number}"));
            let sent = speaker.say(id, &text).await?;
            let seen = listener.reads(id, &text).await?;
            ensure!(seen.event_id == sent, "the event has two ids");
            ensure!(
                seen.event["sender"] == speaker.user_id().as_str(),
                "somebody else said it"
            );
            // The sender's own copy comes down its sync too.
            speaker.reads(id, &text).await?;
            said.push(text);
        }
    }

    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    for person in [&anna, &ben] {
        let shown = person.timeline(id);
        ensure_once(&shown, &texts)?;
        let in_order: Vec<&str> = shown.iter().filter_map(|seen| seen.text()).collect();
        ensure!(in_order == texts, "/sync changed the order: {in_order:?}");
        let mut history = person.history(id).await?;
        history.reverse();
        let in_order: Vec<&str> = history.iter().filter_map(|seen| seen.text()).collect();
        ensure!(in_order == texts, "/messages changed the order: {in_order:?}");
    }
    Ok(())
}

pub(crate) async fn replies_edits_reactions_and_redactions_arrive(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let bens_room = ben.client.get_room(id).context("Ben is not in the room")?;

    let question = lab.secret("Who has the file?");
    let asked = anna.say(id, &question).await?;
    ben.reads(id, &question).await?;

    let answer = lab.secret("It is on my desk.");
    let reply = Reply {
        event_id: asked.clone(),
        enforce_thread: EnforceThread::MaybeThreaded,
        add_mentions: AddMentions::Yes,
    };
    let content = RoomMessageEventContentWithoutRelation::text_plain(&answer);
    let content = bens_room.make_reply_event(content, reply).await?;
    let answered = bens_room.send(content).await?.response.event_id;
    let seen = anna.reads(id, &answer).await?;
    ensure!(
        seen.event["content"]["m.mentions"]["user_ids"] == json!([anna.user_id()]),
        "the reply doesn't name whom it answers: {}",
        seen.event
    );
    ensure!(
        seen.event["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == asked.as_str(),
        "not a reply: {}",
        seen.event
    );

    let corrected = lab.secret("It is in the archive.");
    let content = EditedContent::RoomMessage(RoomMessageEventContentWithoutRelation::text_plain(&corrected));
    let content = bens_room.make_edit_event(&answered, content).await?;
    bens_room.send(content).await?;
    let seen = anna
        .sees(id, "the edit arrives", |seen| {
            seen.event["content"]["m.new_content"]["body"] == *corrected
        })
        .await?;
    ensure!(
        seen.readable == Readable::Decrypted,
        "an edit is readable for the server"
    );
    let relation = &seen.event["content"]["m.relates_to"];
    ensure!(
        *relation == json!({ "rel_type": "m.replace", "event_id": answered }),
        "not an edit: {}",
        seen.event
    );

    let thumb = ReactionEventContent::new(Annotation::new(answered.clone(), "👍".to_owned()));
    room.send(thumb).await.context("can't react")?;
    let seen = ben
        .sees(id, "the reaction arrives", |seen| {
            seen.event["type"] == "m.reaction"
        })
        .await?;
    ensure!(
        seen.event["content"]["m.relates_to"]
            == json!({ "rel_type": "m.annotation", "event_id": answered, "key": "👍" }),
        "not that reaction: {}",
        seen.event
    );

    let redaction = room.redact(&asked, Some("asked twice"), None).await?.event_id;
    let seen = ben
        .sees(id, "the redaction arrives", |seen| seen.event_id == redaction)
        .await?;
    ensure!(
        seen.event["content"]["redacts"] == asked.as_str(),
        "not that redaction: {}",
        seen.event
    );
    let now: serde_json::Value =
        serde_json::from_str(bens_room.event(&asked, None).await?.raw().json().get())?;
    ensure!(
        now["content"] == json!({}),
        "the redacted message still has content: {now}"
    );
    ensure!(
        now["unsigned"]["redacted_because"]["event_id"] == redaction.as_str(),
        "the redacted message doesn't say why: {now}"
    );
    Ok(())
}
