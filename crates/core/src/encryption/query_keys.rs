//! Answers the public keys of users: their devices and identities, with the signatures the viewer may see.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rohrpost_store::{CrossSigningKey, DeviceKeys as StoredKeys, KeySignature, KeyUsage, Tx};
use ruma::{
    OwnedDeviceId, OwnedUserId, UserId,
    encryption::{CrossSigningKey as WireIdentity, DeviceKeys},
    serde::Raw,
};
use serde_json::{Map, Value, value::to_raw_value};

pub use super::remote_keys::Failures;
use super::remote_keys::{self, PATIENCE, RemoteKeys};
use crate::{Caller, Refusal, Result, Server};

/// Users in one request. Clients ask for up to 250 at once.
pub(super) const MAX_USERS: usize = 5_000;

/// Whose keys are wanted.
pub struct QueryKeys {
    /// Who asks.
    pub caller: Caller,
    /// Users and their devices; no device: all of them.
    pub wanted: Wanted,
    /// How long other servers are waited for; `None`: 10 s, which is the longest time.
    pub patience: Option<Duration>,
}

type Wanted = BTreeMap<OwnedUserId, Vec<OwnedDeviceId>>;

/// Public keys of users.
#[derive(Default)]
pub struct PublicKeys {
    /// Of each device. Every local user that was asked for stands here, also without devices: clients ask again for
    /// those who are missing.
    pub devices: BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, Raw<DeviceKeys>>>,
    /// What stands for a user.
    pub master: BTreeMap<OwnedUserId, Raw<WireIdentity>>,
    /// What a user signs their devices with.
    pub self_signing: BTreeMap<OwnedUserId, Raw<WireIdentity>>,
    /// What the caller signs other users with. Nobody else's.
    pub user_signing: BTreeMap<OwnedUserId, Raw<WireIdentity>>,
}

/// Answers public keys. Everybody on this server may know everybody's. People of other servers of whom nothing is known
/// are missing; beside the keys stand the servers that didn't answer.
///
/// # Errors
/// `InvalidParam` for too many users at once.
pub async fn query_keys(server: &Arc<Server>, query: QueryKeys) -> Result<(PublicKeys, Failures)> {
    let QueryKeys {
        caller,
        wanted,
        patience,
    } = query;
    if wanted.len() > MAX_USERS {
        return Err(Refusal::InvalidParam(format!(
            "please ask for at most {MAX_USERS} users at once"
        )));
    }
    let (local, remote): (Wanted, Wanted) = wanted
        .into_iter()
        .partition(|(user_id, _)| server.is_local(user_id));
    let patience = patience.unwrap_or(PATIENCE).min(PATIENCE);
    let users = remote.keys().cloned().collect();
    let (of_others, failures) = remote_keys::query(server, users, patience).await?;
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let mut keys = read(tx, &caller.user_id, local).await?;
            add(tx, &caller.user_id, remote, of_others, &mut keys).await?;
            Ok::<_, Refusal>(keys)
        })
    });
    Ok((reading.await?, failures))
}

/// Adds the keys of people of other servers, with the signatures of the viewer.
async fn add(
    tx: &mut Tx<'_>,
    viewer: &UserId,
    wanted: Wanted,
    mut found: BTreeMap<OwnedUserId, RemoteKeys>,
    keys: &mut PublicKeys,
) -> Result<()> {
    let users: Vec<OwnedUserId> = wanted.keys().cloned().collect();
    let signatures = tx.key_signature_list_each(&users, viewer).await?;
    for ((user, only), signatures) in wanted.into_iter().zip(signatures) {
        let Some(mut of_user) = found.remove(&user) else {
            continue;
        };
        of_user
            .devices
            .retain(|device_id, _| only.is_empty() || only.contains(device_id));
        keys.devices.insert(user.clone(), of_user.devices);
        if let Some(self_signing) = of_user.self_signing {
            keys.self_signing.insert(user.clone(), self_signing);
        }
        if let Some(master) = of_user.master {
            let public = master
                .deserialize()
                .ok()
                .and_then(|key| key.keys.into_values().next());
            let by_key = group(signatures);
            let signatures = public.and_then(|public| by_key.get(&public));
            keys.master
                .insert(user, merged(master.json().get(), signatures, None)?);
        }
    }
    Ok(())
}

/// The keys of users of this server, with the signatures that `viewer` may see.
pub(crate) async fn read(tx: &mut Tx<'_>, viewer: &UserId, wanted: Wanted) -> Result<PublicKeys> {
    let users: Vec<OwnedUserId> = wanted.keys().cloned().collect();
    let devices = tx.device_keys_list_each(&users).await?;
    let identities = tx.cross_signing_list_each(&users).await?;
    let signatures = tx.key_signature_list_each(&users, viewer).await?;

    let mut keys = PublicKeys::default();
    for ((((user, only), devices), identity), signatures) in
        wanted.into_iter().zip(devices).zip(identities).zip(signatures)
    {
        let by_key = group(signatures);
        for CrossSigningKey { usage, key_id, json } in identity {
            let kept = match usage {
                KeyUsage::Master => &mut keys.master,
                KeyUsage::SelfSigning => &mut keys.self_signing,
                KeyUsage::UserSigning if user == viewer => &mut keys.user_signing,
                KeyUsage::UserSigning => continue,
            };
            kept.insert(user.clone(), merged(&json, by_key.get(&key_id), None)?);
        }
        let mut of_user = BTreeMap::new();
        for StoredKeys {
            device_id,
            json,
            display_name,
        } in devices
        {
            if only.is_empty() || only.contains(&device_id) {
                let device = merged(&json, by_key.get(device_id.as_str()), display_name)?;
                of_user.insert(device_id, device);
            }
        }
        keys.devices.insert(user, of_user);
    }
    Ok(keys)
}

fn group(signatures: Vec<KeySignature>) -> BTreeMap<String, Vec<KeySignature>> {
    let mut by_key: BTreeMap<String, Vec<KeySignature>> = BTreeMap::new();
    for signature in signatures {
        by_key
            .entry(signature.target_key.clone())
            .or_default()
            .push(signature);
    }
    by_key
}

/// A stored object with the signatures that came later, and the name of the device.
fn merged<T>(
    json: &str,
    signatures: Option<&Vec<KeySignature>>,
    display_name: Option<String>,
) -> Result<Raw<T>> {
    let mut object: Map<String, Value> = serde_json::from_str(json)?;
    if let Some(signatures) = signatures {
        let all = object.entry("signatures").or_insert_with(|| Map::new().into());
        for KeySignature {
            signer_user,
            signer_key,
            signature,
            ..
        } in signatures
        {
            all[signer_user.as_str()][signer_key.as_str()] = signature.as_str().into();
        }
    }
    if let Some(name) = display_name {
        object.insert(
            "unsigned".to_owned(),
            serde_json::json!({ "device_display_name": name }),
        );
    }
    Ok(Raw::from_json(to_raw_value(&object)?))
}

#[cfg(test)]
mod tests {
    use rohrpost_store::KeySignature;
    use ruma::{encryption::DeviceKeys, owned_user_id, serde::Raw};
    use serde_json::json;

    use super::merged;

    #[test]
    fn later_signatures_stand_beside_those_that_were_there() {
        let later = KeySignature {
            target_key: "DEVICE".to_owned(),
            signer_user: owned_user_id!("@anna:example.org"),
            signer_key: "ed25519:KEY".to_owned(),
            signature: "later".to_owned(),
        };
        let of_other = KeySignature {
            signer_user: owned_user_id!("@otto:example.org"),
            ..later.clone()
        };
        let stored = r#"{"a":1,"signatures":{"@anna:example.org":{"ed25519:DEVICE":"own"}}}"#;
        let raw: Raw<DeviceKeys> =
            merged(stored, Some(&vec![later, of_other]), Some("Telefon".to_owned())).expect("merges");
        let found: serde_json::Value = serde_json::from_str(raw.json().get()).expect("reads");
        let expected = json!({
            "a": 1,
            "signatures": {
                "@anna:example.org": { "ed25519:DEVICE": "own", "ed25519:KEY": "later" },
                "@otto:example.org": { "ed25519:KEY": "later" },
            },
            "unsigned": { "device_display_name": "Telefon" },
        });
        assert_eq!(found, expected);
    }
}
