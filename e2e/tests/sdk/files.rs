//! A file goes from one person to the other and is never readable in between.

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::attachment::AttachmentConfig;
use matrix_sdk::media::{MediaFormat, MediaRequestParameters};
use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk::ruma::events::room::message::{MessageType, RoomMessageEventContent};

use crate::lab::Lab;

/// More than one piece of anything on the way.
const FILE_BYTES: usize = 3 * 1024 * 1024;

pub(crate) async fn a_file_arrives_and_the_server_cannot_read_it(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();

    let name = lab.secret("decree.pdf");
    let sentence = lab.secret("The contents of the file.");
    let file: Vec<u8> = sentence.bytes().cycle().take(FILE_BYTES).collect();
    let sent = room
        .send_attachment(
            &name,
            &mime::APPLICATION_PDF,
            file.clone(),
            AttachmentConfig::new(),
        )
        .await
        .context("can't send a file")?;

    let seen = ben.reads(id, &name).await?;
    ensure!(seen.event_id == sent.event_id, "the event has two ids");
    let content: RoomMessageEventContent = serde_json::from_value(seen.event["content"].clone())?;
    let MessageType::File(content) = content.msgtype else {
        bail!("not a file: {}", seen.event);
    };
    ensure!(
        matches!(content.source, MediaSource::Encrypted(_)),
        "the file is not encrypted"
    );
    let request = MediaRequestParameters {
        source: content.source.clone(),
        format: MediaFormat::File,
    };
    let received = ben
        .client
        .media()
        .get_media_content(&request, false)
        .await
        .context("can't get the file")?;
    ensure!(
        received == file,
        "another file arrived, of {} bytes",
        received.len()
    );

    // What lies on the server is there, and is something else.
    let raw = MediaRequestParameters {
        source: MediaSource::Plain(plain(&content.source)),
        format: MediaFormat::File,
    };
    let stored = ben.client.media().get_media_content(&raw, false).await?;
    ensure!(
        stored.len() == file.len(),
        "the server has {} bytes",
        stored.len()
    );
    ensure!(stored != file, "the server has the file as it was");
    Ok(())
}

fn plain(source: &MediaSource) -> matrix_sdk::ruma::OwnedMxcUri {
    match source {
        MediaSource::Plain(uri) => uri.clone(),
        MediaSource::Encrypted(file) => file.url.clone(),
    }
}
