//! With the policy `required` there is no way to be read by the server, not even for who wants it.

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::ruma::TransactionId;
use matrix_sdk::ruma::api::client::message::send_message_event;
use matrix_sdk::ruma::api::error::{Error, ErrorBody, ErrorKind};
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use serde_json::json;

use crate::lab::Lab;

pub(crate) async fn plaintext_is_refused_with_a_reason(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();

    let text = lab.secret("Readable by everybody");
    let content = RoomMessageEventContent::text_plain(&text);
    let request = send_message_event::v3::Request::new(id.to_owned(), TransactionId::new(), &content)?;
    let Err(error) = anna.client.send(request).await else {
        bail!("a readable message was accepted");
    };
    ensure_forbidden(error.as_client_api_error(), "encrypt")?;

    // Nothing half done: the next message is the next thing that anybody sees.
    let text = lab.secret("Readable by Ben");
    anna.say(id, &text).await?;
    ben.reads(id, &text).await?;
    let shown = ben.timeline(id);
    let messages = shown
        .iter()
        .filter(|seen| seen.event["type"] == "m.room.message")
        .count();
    ensure!(messages == 1, "Ben was shown {messages} messages");
    Ok(())
}

pub(crate) async fn encryption_cannot_be_taken_away(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();

    for content in [
        json!({}),
        json!({ "algorithm": "none" }),
        json!({ "algorithm": null }),
    ] {
        let Err(error) = room
            .send_state_event_raw("m.room.encryption", "", content.clone())
            .await
        else {
            bail!("encryption was taken away by {content}");
        };
        ensure_forbidden(error.as_client_api_error(), "encryption")?;
    }

    // For somebody who comes now, too.
    let clara = lab.register("clara.conrad").await?;
    room.invite_user_by_id(clara.user_id()).await?;
    let claras_room = clara.accept(id).await?;
    ensure!(
        claras_room.latest_encryption_state().await?.is_encrypted(),
        "encryption was taken away"
    );
    let text = lab.secret("Still encrypted");
    clara.say(id, &text).await?;
    ben.reads(id, &text).await?;
    Ok(())
}

/// `M_FORBIDDEN`, and a sentence in which a word occurs.
fn ensure_forbidden(error: Option<&Error>, word: &str) -> anyhow::Result<()> {
    let error = error.context("not refused by the server")?;
    let ErrorBody::Standard(body) = &error.body else {
        bail!("refused without an errcode: {error:?}");
    };
    ensure!(
        body.kind == ErrorKind::Forbidden,
        "refused in another way: {error:?}"
    );
    ensure!(error.status_code == 403, "refused with another status: {error:?}");
    ensure!(
        body.message.contains(word),
        "the reason doesn't tell: {:?}",
        body.message
    );
    Ok(())
}
