//! `m.direct_to_device`
//!
//! Nothing is kept for people and devices that don't exist, and only so much of one server for one person: nobody's syncs
//! are filled by a stranger.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging>

use std::sync::Arc;

use rohrpost_room::canonical_object;
use rohrpost_store::{NewToDevice, Tx, Work};
use ruma::{
    OwnedDeviceId, OwnedServerName, OwnedUserId, ServerName, UserId,
    api::federation::transactions::edu::DirectDeviceContent, to_device::DeviceIdOrAllDevices,
};

use super::is_of;
use crate::{Refusal, Result, Server};

/// Messages in one piece of news.
const MAX_MESSAGES: usize = 1_000;
/// Largest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 65_536;
/// Longest type, device id and id of the message, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Messages that may wait for one person here: of one sender, and of one server. Nobody is slowed down besides, since a key
/// that is left out is a message that can't be read.
const MAX_WAITING: (u32, u32) = (2_000, 10_000);

struct Message {
    user_id: OwnedUserId,
    /// `None`: all.
    device_id: Option<OwnedDeviceId>,
    content: String,
}

struct Unit {
    origin: OwnedServerName,
    message_id: String,
    sender: OwnedUserId,
    kind: String,
    messages: Vec<Message>,
    now_ts: i64,
}

pub(super) async fn receive(
    server: &Arc<Server>,
    origin: &ServerName,
    content: DirectDeviceContent,
) -> Result<()> {
    let kind = content.ev_type.to_string();
    let message_id = content.message_id.to_string();
    let has_names = [&kind, &message_id]
        .iter()
        .all(|name| !name.is_empty() && name.len() <= MAX_NAME_BYTES);
    if !is_of(&content.sender, origin) || !has_names {
        return Ok(());
    }
    let mut messages = Vec::new();
    for (user_id, of_user) in content.messages {
        if !server.is_local(&user_id) {
            continue;
        }
        for (device_id, content) in of_user {
            let device_id = match device_id {
                DeviceIdOrAllDevices::DeviceId(device_id) => Some(device_id),
                DeviceIdOrAllDevices::AllDevices => None,
            };
            let Some(content) = checked(content.json().get()) else {
                continue;
            };
            let is_named = |id: &OwnedDeviceId| id.as_str().len() <= MAX_NAME_BYTES;
            if messages.len() < MAX_MESSAGES && device_id.as_ref().is_none_or(is_named) {
                messages.push(Message {
                    user_id: user_id.clone(),
                    device_id,
                    content,
                });
            }
        }
    }
    if messages.is_empty() {
        return Ok(());
    }
    let unit = Unit {
        origin: origin.to_owned(),
        message_id,
        sender: content.sender,
        kind,
        messages,
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await
}

fn checked(json: &str) -> Option<String> {
    if json.len() > MAX_MESSAGE_BYTES {
        return None;
    }
    let object = canonical_object(serde_json::from_str(json).ok()?).ok()?;
    serde_json::to_string(&object).ok()
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        // In order and each once, because they came in a sorted map.
        let mut receivers: Vec<&UserId> = self.messages.iter().map(|message| &*message.user_id).collect();
        receivers.dedup();
        let full = tx
            .to_device_full_each(&receivers, &self.sender, MAX_WAITING)
            .await?;
        receivers.retain(|user_id| full.iter().all(|full| *full != **user_id));
        let new: Vec<NewToDevice<'_>> = self
            .messages
            .iter()
            .filter(|message| receivers.contains(&&*message.user_id))
            .map(|message| NewToDevice {
                user_id: &message.user_id,
                device_id: message.device_id.as_deref(),
                sender: &self.sender,
                kind: &self.kind,
                content: &message.content,
            })
            .collect();
        let is_new = tx
            .edu_message_insert(&self.origin, &self.message_id, self.now_ts)
            .await?;
        if new.is_empty() || !is_new {
            return Ok(());
        }
        let pos = tx.pos_next().await?;
        tx.to_device_insert(&new, pos).await?;
        let receivers: Vec<OwnedUserId> = receivers.into_iter().map(ToOwned::to_owned).collect();
        tx.wake(receivers.into());
        Ok(())
    }
}
