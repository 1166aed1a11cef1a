//! Publishes the keys of a device: its identity, one-time keys and fallback keys.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::{KeySignature, KeyUsage, OneTimeKey, OneTimeKeyCounts, Tx, Work};
use ruma::{
    DeviceId, OneTimeKeyAlgorithm, OwnedOneTimeKeyId, UInt, UserId,
    encryption::{DeviceKeys, OneTimeKey as WireKey},
    serde::Raw,
};

use super::{
    identity::{Identity, Published, device_key},
    signed::{PublicKey, Signed},
};
use crate::{Caller, Refusal, Result, Server, devices};

/// One-time keys in one request. Clients send 50 to 100.
const MAX_KEYS_PER_REQUEST: usize = 200;
/// One-time keys that wait for being claimed, for one device.
const MAX_KEYS_PER_DEVICE: i64 = 1_000;
/// Fallback keys of one device: one for each algorithm.
const MAX_FALLBACK_KEYS: i64 = 16;
/// Largest one-time key, in bytes.
const MAX_KEY_BYTES: usize = 8_192;
/// Longest name of an algorithm or a key, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// How long a key that was handed out is remembered after its upload, so that a repeated upload doesn't offer it
/// again.
const REMEMBER_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What a device publishes.
pub struct UploadKeys {
    /// The device.
    pub caller: Caller,
    /// Its identity.
    pub device_keys: Option<Raw<DeviceKeys>>,
    /// Keys that are handed out once.
    pub one_time_keys: BTreeMap<OwnedOneTimeKeyId, Raw<WireKey>>,
    /// Keys for when there are none of those.
    pub fallback_keys: BTreeMap<OwnedOneTimeKeyId, Raw<WireKey>>,
}

/// How many one-time keys of each algorithm are left.
pub type Counts = BTreeMap<OneTimeKeyAlgorithm, UInt>;

/// The keys of a device, checked.
struct NewDeviceKeys {
    object: Signed,
    /// With the signature of the device itself.
    json: String,
    /// By the user's self-signing key.
    self_signing: Option<(String, KeySignature)>,
}

/// The keys of a device, checked and ready to be kept.
pub(super) struct Checked {
    caller: Caller,
    device_keys: Option<NewDeviceKeys>,
    one_time_keys: Vec<OneTimeKey>,
    fallback_keys: Vec<OneTimeKey>,
    now_ts: i64,
}

/// Publishes keys; answers how many one-time keys are left.
///
/// # Errors
/// `MissingParam` when an application service names no device. /// `InvalidParam` for keys of another user or device, for another key under a known id, and where there are too
/// many; `InvalidSignature` when the device did not sign its keys; `BadJson` and `TooLarge` for malformed keys.
pub async fn upload_keys(server: &Arc<Server>, upload: UploadKeys) -> Result<Counts> {
    if upload.caller.device().is_none() {
        return Err(Refusal::MissingParam(
            "device_id is missing: whose keys are these?".to_owned(),
        ));
    }
    let checked = check(server, upload).await?;
    Ok(wire_counts(server.store.write(checked).await?))
}

/// Checks keys before they are kept.
///
/// # Errors
/// Those of [`upload_keys`].
pub(super) async fn check(server: &Arc<Server>, upload: UploadKeys) -> Result<Checked> {
    let UploadKeys {
        caller,
        device_keys,
        one_time_keys,
        fallback_keys,
    } = upload;
    if one_time_keys.len() > MAX_KEYS_PER_REQUEST || fallback_keys.len() > MAX_KEYS_PER_REQUEST {
        return Err(Refusal::InvalidParam(format!(
            "please upload at most {MAX_KEYS_PER_REQUEST} keys at once"
        )));
    }
    let device_keys = match device_keys {
        Some(keys) => Some(checked_device_keys(server, &caller, &keys).await?),
        None => None,
    };
    let fallback_keys = checked_keys(&fallback_keys)?;
    if fallback_keys
        .windows(2)
        .any(|pair| pair[0].algorithm == pair[1].algorithm)
    {
        return Err(Refusal::InvalidParam(
            "there is one fallback key for each algorithm".to_owned(),
        ));
    }
    let one_time_keys = checked_keys(&one_time_keys)?;
    let now_ts = server.now_ts();
    Ok(Checked {
        caller,
        device_keys,
        one_time_keys,
        fallback_keys,
        now_ts,
    })
}

/// Counts as clients get them. Some take a missing count for "unchanged" and never upload again, so the algorithm
/// that all use is always there.
pub(crate) fn wire_counts(counts: OneTimeKeyCounts) -> Counts {
    let wire =
        |(algorithm, count): (String, i64)| (algorithm.into(), UInt::try_from(count).unwrap_or_default());
    let mut counts: Counts = counts.into_iter().map(wire).collect();
    counts.entry(OneTimeKeyAlgorithm::SignedCurve25519).or_default();
    counts
}

async fn checked_device_keys(
    server: &Arc<Server>,
    caller: &Caller,
    raw: &Raw<DeviceKeys>,
) -> Result<NewDeviceKeys> {
    let Caller {
        user_id, device_id, ..
    } = caller;
    let object = check_device_keys(user_id, device_id, raw)?.object;
    let signer = format!("ed25519:{device_id}");
    let json = object.json_with(user_id, &signer)?;
    let self_signing = self_signed(server, caller, &object).await?;
    Ok(NewDeviceKeys {
        object,
        json,
        self_signing,
    })
}

/// Checks everything about the keys of a device that can be seen from them.
///
/// # Errors
/// `BadJson`, `TooLarge`, `InvalidParam`; `InvalidSignature` when the device did not sign them.
pub(super) fn check_device_keys(
    user_id: &UserId,
    device_id: &DeviceId,
    raw: &Raw<DeviceKeys>,
) -> Result<Published> {
    let object = Signed::parse(raw.json().get())?;
    let keys = raw
        .deserialize()
        .map_err(|error| Refusal::BadJson(format!("device_keys: {error}")))?;
    if keys.user_id != *user_id || keys.device_id != *device_id {
        return Err(Refusal::InvalidParam(
            "device_keys are of another user or device".to_owned(),
        ));
    }
    let curve25519 = format!("curve25519:{device_id}");
    for (id, key) in &keys.keys {
        if id.key_name() != device_id {
            return Err(Refusal::InvalidParam(format!(
                "the key {id:?} is not named after the device"
            )));
        }
        if id.as_str() == curve25519 && PublicKey::parse(key).is_none() {
            return Err(Refusal::InvalidParam(format!(
                "the key {id:?} is not 32 bytes in base64"
            )));
        }
    }
    let signer = format!("ed25519:{device_id}");
    let key = device_key(raw.json().get(), device_id.as_str());
    let key =
        key.ok_or_else(|| Refusal::InvalidParam(format!("device_keys have no usable key {signer:?}")))?;
    if !object.is_signed_by(user_id, &signer, key) {
        return Err(Refusal::InvalidSignature(
            "the device did not sign its keys, or the signature is wrong".to_owned(),
        ));
    }
    Ok(Published { key, object })
}

/// A new device that got the user's secrets before it published its keys comes with the user's signature.
async fn self_signed(
    server: &Arc<Server>,
    caller: &Caller,
    object: &Signed,
) -> Result<Option<(String, KeySignature)>> {
    let Caller {
        user_id, device_id, ..
    } = caller;
    if object.signatures_of(user_id).count() < 2 {
        return Ok(None);
    }
    let identity = Identity::read(server, user_id).await?;
    let Some((signer_key, key)) = identity.signer(KeyUsage::SelfSigning) else {
        return Ok(None);
    };
    if !object.is_signed_by(user_id, &signer_key, key) {
        return Ok(None);
    }
    let signature = object.signatures_of(user_id).find(|(id, _)| *id == signer_key);
    Ok(signature.map(|(_, signature)| {
        let signature = signature.to_owned();
        let new = KeySignature {
            target_key: device_id.to_string(),
            signer_user: user_id.clone(),
            signer_key,
            signature,
        };
        (key.text(), new)
    }))
}

fn checked_keys(keys: &BTreeMap<OwnedOneTimeKeyId, Raw<WireKey>>) -> Result<Vec<OneTimeKey>> {
    keys.iter()
        .map(|(id, raw)| check_one_time_key(id.as_str(), raw.json().get()))
        .collect()
}

/// Checks a one-time key; nobody but the device knows whether it signed it.
///
/// # Errors
/// `BadJson`, `TooLarge`, `InvalidParam`.
pub(super) fn check_one_time_key(id: &str, json: &str) -> Result<OneTimeKey> {
    let (algorithm, key_id) = id.split_once(':').unwrap_or_default();
    let is_named =
        (1..=MAX_NAME_BYTES).contains(&algorithm.len()) && (1..=MAX_NAME_BYTES).contains(&key_id.len());
    if !is_named {
        return Err(Refusal::InvalidParam(
            "a key is named by its algorithm, a colon and its id".to_owned(),
        ));
    }
    if json.len() > MAX_KEY_BYTES {
        return Err(Refusal::TooLarge(format!(
            "the key {id:?} is larger than {MAX_KEY_BYTES} bytes"
        )));
    }
    let bad = || Refusal::BadJson(format!("the key {id:?} is not a key of its algorithm"));
    let json = match serde_json::from_str(json).map_err(|_| bad())? {
        serde_json::Value::String(key) if algorithm != "signed_curve25519" => serde_json::to_string(&key)?,
        value @ serde_json::Value::Object(_) => {
            let is_key = value.get("key").is_some_and(serde_json::Value::is_string);
            if !is_key || !value.get("signatures").is_some_and(serde_json::Value::is_object) {
                return Err(bad());
            }
            Signed::parse(json)?;
            serde_json::to_string(&rohrpost_room::canonical_object(value)?)?
        }
        _ => return Err(bad()),
    };
    Ok(OneTimeKey {
        algorithm: algorithm.to_owned(),
        key_id: key_id.to_owned(),
        json,
    })
}

impl Work for Checked {
    type Out = OneTimeKeyCounts;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OneTimeKeyCounts> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        if !tx.device_lock(user_id, device_id).await? {
            // Signed out a moment ago.
            return Err(Refusal::UnknownToken { soft_logout: false });
        }
        self.put_one_time_keys(tx).await?;
        for key in &self.fallback_keys {
            tx.fallback_key_put(user_id, device_id, key).await?;
        }
        if !self.fallback_keys.is_empty()
            && tx.fallback_key_count(user_id, device_id).await? > MAX_FALLBACK_KEYS
        {
            return Err(Refusal::InvalidParam(format!(
                "a device has at most {MAX_FALLBACK_KEYS} fallback keys"
            )));
        }
        let counts = tx.one_time_key_counts(user_id, device_id).await?;
        if counts.values().sum::<i64>() > MAX_KEYS_PER_DEVICE {
            return Err(Refusal::InvalidParam(format!(
                "a device has at most {MAX_KEYS_PER_DEVICE} one-time keys"
            )));
        }
        if let Some(keys) = &self.device_keys {
            self.put_device_keys(tx, keys).await?;
        }
        if !self.one_time_keys.is_empty() || !self.fallback_keys.is_empty() {
            tx.wake_user(user_id);
        }
        Ok(counts)
    }
}

impl Checked {
    async fn put_one_time_keys(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        if self.one_time_keys.is_empty() {
            return Ok(());
        }
        let known = tx
            .one_time_key_known(user_id, device_id, &self.one_time_keys)
            .await?;
        let mut new = Vec::new();
        for (key, known) in self.one_time_keys.iter().zip(known) {
            match known {
                Some(known) if known.json == key.json => {}
                Some(known) if !known.claimed => {
                    let text = format!(
                        "there is another one-time key {}:{} already",
                        key.algorithm, key.key_id
                    );
                    return Err(Refusal::InvalidParam(text));
                }
                _ => new.push(key),
            }
        }
        tx.one_time_key_put(user_id, device_id, &new, self.now_ts).await?;
        tx.one_time_key_forget(user_id, device_id, self.now_ts - REMEMBER_MS)
            .await?;
        Ok(())
    }

    async fn put_device_keys(&self, tx: &mut Tx<'_>, new: &NewDeviceKeys) -> Result<()> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        let before = tx.device_keys_get(user_id, device_id).await?;
        let is_same =
            before.is_some_and(|json| Signed::parse(&json).is_ok_and(|old| old.is_same(&new.object)));
        if !is_same {
            // Signatures on, and by, what was there before don't hold for the new keys.
            tx.key_signature_delete_on(user_id, device_id.as_str()).await?;
            tx.key_signature_delete_by(user_id, &format!("ed25519:{device_id}"))
                .await?;
        }
        let mut is_changed = tx.device_keys_put(user_id, device_id, &new.json).await?;
        if let Some((self_signing, signature)) = &new.self_signing {
            let identity = tx.cross_signing_list(user_id).await?;
            let is_current = identity
                .iter()
                .any(|key| key.usage == KeyUsage::SelfSigning && key.key_id == *self_signing);
            if is_current && !tx.key_signature_list(user_id, user_id).await?.contains(signature) {
                tx.key_signature_put(user_id, std::slice::from_ref(signature))
                    .await?;
                is_changed = true;
            }
        }
        if is_changed {
            devices::changed::changed(tx, user_id).await?;
        }
        Ok(())
    }
}
