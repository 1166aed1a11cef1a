//! A push names a room and an event; the app fetches and decrypts it by these ids, as Element X does.

use anyhow::{bail, ensure};
use matrix_sdk::ruma::events::AnySyncTimelineEvent;
use matrix_sdk::ruma::events::{AnySyncMessageLikeEvent, SyncMessageLikeEvent};
use matrix_sdk::ruma::{RoomId, event_id};
use matrix_sdk_ui::notification_client::{
    NotificationClient, NotificationEvent, NotificationProcessSetup, NotificationStatus,
};

use crate::lab::Lab;
use crate::sliding::Sliding;

pub(crate) async fn a_push_is_read_by_its_id(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let phone = Sliding::log_in(lab, "ben.brueckner").await?;
    phone.open(id).await?;
    phone.is_known_to(&anna).await?;
    let setup = NotificationProcessSetup::SingleProcess {
        sync_service: phone.service.clone(),
    };
    let pushes = NotificationClient::new(phone.client.clone(), setup).await?;

    let text = lab.secret("The file is ready.");
    let said = anna.say(id, &text).await?;
    for way in ["sliding sync", "/context"] {
        let status = match way {
            "/context" => pushes.get_notification_with_context(id, &said).await?,
            _ => pushes.get_notification(id, &said).await?,
        };
        let NotificationStatus::Event(item) = status else {
            bail!("nothing was found by {way}");
        };
        let NotificationEvent::Timeline(event) = item.event else {
            bail!("no message was found by {way}");
        };
        ensure!(
            text_of(&event) == Some(&text),
            "{way} has another text: {event:?}"
        );
        ensure!(event.sender() == anna.user_id(), "{way} has another sender");
        ensure!(item.joined_members_count == 2, "{way} has other members");
    }
    for (room, event) in [
        (
            id.to_owned(),
            event_id!("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").to_owned(),
        ),
        (RoomId::parse("!nowhere:localhost")?, said),
    ] {
        if let Ok(NotificationStatus::Event(item)) = pushes.get_notification(&room, &event).await {
            bail!("something was found for ids of nothing: {item:?}");
        }
    }
    phone.ensure_running()
}

fn text_of(event: &AnySyncTimelineEvent) -> Option<&str> {
    let AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(
        SyncMessageLikeEvent::Original(message),
    )) = event
    else {
        return None;
    };
    Some(message.content.body())
}
