//! A device of a user that receives keys while they are signed in nowhere (MSC3814). Its private part is kept
//! encrypted, so that a new device of the same user can make it live and read what was sent to it meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::{StreamPos, ToDeviceRow, Tx, Work};
use ruma::{
    OwnedDeviceId, OwnedOneTimeKeyId,
    encryption::{DeviceKeys, OneTimeKey},
    serde::Raw,
};

use super::upload_keys::{self, Checked, UploadKeys};
use crate::{Caller, Refusal, Result, Server, devices::changed::changed};

/// Largest encrypted private part, in bytes. Real ones with a hundred keys have some 20 KiB.
const MAX_DATA_BYTES: usize = 256 * 1024;
/// Longest id and name of a device, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Messages in one answer.
const MAX_MESSAGES: u32 = 100;

/// A dehydrated device to be kept.
pub struct PutDehydratedDevice {
    /// Who it is for.
    pub caller: Caller,
    /// Its id, chosen by the client.
    pub device_id: OwnedDeviceId,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its private part, encrypted: JSON.
    pub data: String,
    /// Its identity, signed by itself.
    pub device_keys: Raw<DeviceKeys>,
    /// Keys that are handed out once.
    pub one_time_keys: BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
    /// Keys for when there are none of those.
    pub fallback_keys: BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
}

struct Put {
    caller: Caller,
    device_id: OwnedDeviceId,
    display_name: Option<String>,
    data: String,
    keys: Checked,
    now_ts: i64,
}

/// Keeps a dehydrated device in place of the one before.
///
/// # Errors
/// `InvalidParam` for the id of a device that somebody is signed in on, and for names that are too long; `TooLarge`
/// over 256 KiB of data; those of [`upload_keys`](super::upload_keys::upload_keys).
pub async fn put(server: &Arc<Server>, new: PutDehydratedDevice) -> Result<()> {
    let name_bytes = new.display_name.as_ref().map_or(0, String::len);
    if new.device_id.as_str().is_empty()
        || new.device_id.as_str().len() > MAX_NAME_BYTES
        || name_bytes > MAX_NAME_BYTES
    {
        return Err(Refusal::InvalidParam(format!(
            "the id and the name of a device have at most {MAX_NAME_BYTES} bytes"
        )));
    }
    if new.data.len() > MAX_DATA_BYTES {
        return Err(Refusal::TooLarge(format!(
            "the data of a dehydrated device has at most {MAX_DATA_BYTES} bytes"
        )));
    }
    let mut device = new.caller.clone();
    device.device_id.clone_from(&new.device_id);
    let keys = UploadKeys {
        caller: device,
        device_keys: Some(new.device_keys),
        one_time_keys: new.one_time_keys,
        fallback_keys: new.fallback_keys,
    };
    let unit = Put {
        keys: upload_keys::check(server, keys).await?,
        caller: new.caller,
        device_id: new.device_id,
        display_name: new.display_name,
        data: new.data,
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await
}

impl Work for Put {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.caller.user_id;
        if let Some((before, _)) = tx.dehydrated_device_get(user_id).await? {
            tx.device_delete(user_id, &before).await?;
        }
        let name = self.display_name.as_deref();
        if !tx
            .device_insert(user_id, &self.device_id, name, self.now_ts)
            .await?
        {
            return Err(Refusal::InvalidParam(
                "there is a device of this id already: choose another".to_owned(),
            ));
        }
        tx.dehydrated_device_put(user_id, &self.device_id, &self.data)
            .await?;
        self.keys.run(tx).await?;
        Ok(())
    }
}

/// The caller's dehydrated device, and its private part as JSON.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn get(server: &Arc<Server>, caller: Caller) -> Result<(OwnedDeviceId, String)> {
    let found = server
        .store
        .read(move |tx| Box::pin(async move { tx.dehydrated_device_get(&caller.user_id).await }));
    found.await?.ok_or_else(none)
}

fn none() -> Refusal {
    Refusal::not_found("dehydrated device")
}

struct Delete(Caller);

/// Removes the caller's dehydrated device with its keys and messages; answers its id.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn delete(server: &Arc<Server>, caller: Caller) -> Result<OwnedDeviceId> {
    server.store.write(Delete(caller)).await
}

impl Work for Delete {
    type Out = OwnedDeviceId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedDeviceId> {
        let user_id = &self.0.user_id;
        let (device_id, _) = tx.dehydrated_device_get(user_id).await?.ok_or_else(none)?;
        tx.device_delete(user_id, &device_id).await?;
        changed(tx, user_id).await?;
        Ok(device_id)
    }
}

/// What was sent to a dehydrated device, oldest first, and where to go on; `None`: there is nothing more. The
/// messages stay until the device is replaced or removed: whoever reads them may be interrupted and begin anew.
///
/// # Errors
/// `Forbidden` for anything but the caller's dehydrated device; `InvalidParam` for a token of somebody else.
pub async fn events(
    server: &Arc<Server>,
    caller: Caller,
    device_id: OwnedDeviceId,
    from: Option<String>,
) -> Result<(Vec<ToDeviceRow>, Option<String>)> {
    let after =
        match from {
            None => StreamPos(0),
            Some(token) => StreamPos(token.parse().map_err(|_| {
                Refusal::InvalidParam("next_batch must come from an earlier answer".to_owned())
            })?),
        };
    let read = server.store.read(move |tx| {
        Box::pin(async move {
            let known = tx.dehydrated_device_get(&caller.user_id).await?;
            if known.is_none_or(|(id, _)| id != device_id) {
                return Err(Refusal::Forbidden(
                    "this is not your dehydrated device".to_owned(),
                ));
            }
            Ok(tx
                .to_device_list_after(&caller.user_id, &device_id, after, MAX_MESSAGES)
                .await?)
        })
    });
    let messages = read.await?;
    let next = messages.last().map(|last| last.pos.0.to_string());
    Ok((messages, next))
}
