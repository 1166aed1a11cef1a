//! Sends messages from device to device: keys, verification, requests for secrets.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_room::canonical_object;
use rohrpost_store::{NewOutboxEdu, NewToDevice, Tx, Work};
use ruma::{
    OwnedDeviceId, OwnedServerName, OwnedTransactionId, OwnedUserId,
    events::{AnyToDeviceEventContent, ToDeviceEventType},
    serde::Raw,
    to_device::DeviceIdOrAllDevices,
};

use crate::{
    Caller, Refusal, Result, Server,
    federation::outbox::to_device::{self, Message as ToServer},
    limits::Kind,
};

/// Receivers in one request; all devices of a user count as one.
const MAX_RECEIVERS: usize = 1_000;
/// Largest message, in bytes: as large as an event.
const MAX_MESSAGE_BYTES: usize = 65_536;
/// Longest type, in bytes.
const MAX_TYPE_BYTES: usize = 255;

/// What is to be sent.
pub struct SendToDevice {
    /// Who sends it.
    pub caller: Caller,
    /// Its type.
    pub kind: ToDeviceEventType,
    /// The device's name for this request; repeated, it is done once.
    pub txn_id: OwnedTransactionId,
    /// The content for each receiver.
    pub messages: BTreeMap<OwnedUserId, BTreeMap<DeviceIdOrAllDevices, Raw<AnyToDeviceEventContent>>>,
}

struct Message {
    user_id: OwnedUserId,
    /// `None`: all.
    device_id: Option<OwnedDeviceId>,
    content: String,
}

struct Unit {
    caller: Caller,
    kind: String,
    txn_id: OwnedTransactionId,
    messages: Vec<Message>,
    /// What goes to other servers, and to which.
    elsewhere: Vec<(OwnedServerName, String)>,
    now_ts: i64,
}

/// Sends messages, those for people of other servers by way of the outbox. Users and devices that don't exist get nothing
/// and nobody is told.
///
/// # Errors
/// `TooLarge` for a message over 65,536 bytes, `InvalidParam` for too many receivers, `BadJson` for content that is
/// no object; `LimitExceeded`.
pub async fn send_to_device(server: &Arc<Server>, send: SendToDevice) -> Result<()> {
    let SendToDevice {
        caller,
        kind,
        txn_id,
        messages,
    } = send;
    server.limit(Kind::ToDevice, caller.user_id.as_str())?;
    let kind = kind.to_string();
    if kind.is_empty() || kind.len() > MAX_TYPE_BYTES || txn_id.as_str().len() > MAX_TYPE_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "type and transaction id have at most {MAX_TYPE_BYTES} bytes"
        )));
    }
    if messages.values().map(BTreeMap::len).sum::<usize>() > MAX_RECEIVERS {
        return Err(Refusal::InvalidParam(format!(
            "please send to at most {MAX_RECEIVERS} devices at once"
        )));
    }
    let (mut checked, mut elsewhere) = (Vec::new(), Vec::new());
    for (user_id, of_user) in messages {
        for (device_id, content) in of_user {
            let content = checked_content(content.json().get())?;
            if !server.is_local(&user_id) {
                elsewhere.push(ToServer {
                    user_id: user_id.clone(),
                    device_id: device_id.to_string(),
                    content,
                });
            } else {
                let device_id = match device_id {
                    DeviceIdOrAllDevices::DeviceId(device_id) => Some(device_id),
                    DeviceIdOrAllDevices::AllDevices => None,
                };
                checked.push(Message {
                    user_id: user_id.clone(),
                    device_id,
                    content,
                });
            }
        }
    }
    let elsewhere = to_device::edus(server, &caller.user_id, &kind, &elsewhere)?;
    let is_elsewhere = !elsewhere.is_empty();
    let unit = Unit {
        caller,
        kind,
        txn_id,
        messages: checked,
        elsewhere,
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await?;
    if is_elsewhere {
        server.outbox.wake();
    }
    Ok(())
}

fn checked_content(json: &str) -> Result<String> {
    if json.len() > MAX_MESSAGE_BYTES {
        return Err(Refusal::TooLarge(format!(
            "a message is larger than {MAX_MESSAGE_BYTES} bytes"
        )));
    }
    let bad = |_| Refusal::BadJson("the content of a message is not JSON".to_owned());
    Ok(serde_json::to_string(&canonical_object(
        serde_json::from_str(json).map_err(bad)?,
    )?)?)
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Caller {
            user_id: sender,
            device_id,
            ..
        } = &self.caller;
        let endpoint = format!("sendToDevice/{}", self.kind);
        // Of two equal requests at once, one waits here until the other is done.
        if !tx
            .txn_insert(
                sender,
                device_id,
                &endpoint,
                self.txn_id.as_str(),
                "",
                self.now_ts,
            )
            .await?
        {
            return Ok(());
        }
        let elsewhere: Vec<NewOutboxEdu<'_>> = self
            .elsewhere
            .iter()
            .map(|(destination, edu)| NewOutboxEdu {
                destination,
                subject: "",
                edu,
            })
            .collect();
        tx.outbox_edu_insert(&elsewhere, self.now_ts).await?;
        if self.messages.is_empty() {
            return Ok(());
        }
        let new: Vec<NewToDevice<'_>> = self
            .messages
            .iter()
            .map(|message| NewToDevice {
                user_id: &message.user_id,
                device_id: message.device_id.as_deref(),
                sender,
                kind: &self.kind,
                content: &message.content,
            })
            .collect();
        let pos = tx.pos_next().await?;
        tx.to_device_insert(&new, pos).await?;
        // In order and each once, because they came in a sorted map.
        let mut receivers: Vec<OwnedUserId> = self
            .messages
            .iter()
            .map(|message| message.user_id.clone())
            .collect();
        receivers.dedup();
        tx.wake(receivers.into());
        Ok(())
    }
}
