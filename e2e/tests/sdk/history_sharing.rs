//! Who is invited gets the keys of what was written before (MSC4268): a bundle that lies encrypted among the files, and
//! a message to their devices that says where.

use anyhow::{Context as _, ensure};
use matrix_sdk::RoomState;
use matrix_sdk::ruma::events::room::history_visibility::HistoryVisibility;
use serde_json::json;

use crate::device::Device;
use crate::lab::{Lab, eventually_true};
use crate::timeline::Readable;

pub(crate) async fn who_is_invited_reads_what_was_written_before(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    ensure!(
        room.history_visibility_or_default() == HistoryVisibility::Shared,
        "the history of a private room is not for those who come later"
    );
    let before = [lab.secret("Written by Anna"), lab.secret("Written by Ben")];
    anna.say(id, &before[0]).await?;
    ben.reads(id, &before[0]).await?;
    ben.say(id, &before[1]).await?;
    anna.reads(id, &before[1]).await?;

    let clara = lab.register("clara.conrad").await?;
    room.invite_user_by_id(clara.user_id()).await?;
    clara.accept(id).await?;
    eventually_true("Clara reads what was written before", async || {
        has_read(&clara, id, &before).await
    })
    .await?;
    let after = lab.secret("Written by Clara");
    clara.say(id, &after).await?;
    anna.reads(id, &after).await?;

    // From when on the history is for members only, there is nothing to share, and the server shows nothing of it.
    room.send_state_event_raw(
        "m.room.history_visibility",
        "",
        json!({ "history_visibility": "joined" }),
    )
    .await?;
    eventually_true("Anna knows of it", async || {
        Ok(room.history_visibility_or_default() == HistoryVisibility::Joined)
    })
    .await?;
    let private = lab.secret("Not for those who come later");
    anna.say(id, &private).await?;
    ben.reads(id, &private).await?;
    let dora = lab.register("dora.dietz").await?;
    room.invite_user_by_id(dora.user_id()).await?;
    dora.accept(id).await?;
    let welcome = lab.secret("Welcome, Dora");
    anna.say(id, &welcome).await?;
    dora.reads(id, &welcome).await?;
    let history = dora.history(id).await?;
    ensure!(
        history.iter().all(|seen| seen.text() != Some(&private)),
        "Dora reads what was written before she came"
    );
    let unreadable = dora.unreadable(id).await?;
    let before_dora = unreadable
        .iter()
        .filter(|seen| seen.event["sender"] == anna.user_id().as_str());
    ensure!(
        before_dora.count() <= 1,
        "Dora is shown messages from the time for members only"
    );
    let state = dora
        .client
        .get_room(id)
        .context("Dora is not in the room")?
        .state();
    ensure!(state == RoomState::Joined, "Dora is {state:?}");
    Ok(())
}

/// Whether the history has all of these texts, encrypted and readable.
async fn has_read(
    device: &Device,
    room: &matrix_sdk::ruma::RoomId,
    texts: &[String],
) -> anyhow::Result<bool> {
    let history = device.history(room).await?;
    Ok(texts.iter().all(|text| {
        history
            .iter()
            .any(|seen| seen.text() == Some(text) && seen.readable == Readable::Decrypted)
    }))
}
