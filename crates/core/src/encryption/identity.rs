//! What is known of a user's keys: the identity (cross-signing keys) and the devices that signatures are checked
//! against.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::{CrossSigningKey, KeyUsage, Tx};
use ruma::OwnedUserId;

use super::signed::{PublicKey, Signed};
use crate::{Refusal, Result, Server};

/// A public key that can sign, and the object it was published in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) key: PublicKey,
    pub(super) object: Signed,
}

/// The keys of a user as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// By usage.
    pub(super) keys: BTreeMap<KeyUsage, Published>,
    /// Devices that published keys, by their id.
    pub(super) devices: BTreeMap<String, Published>,
}

impl Identity {
    /// The identities and devices of users, in the order of the users.
    pub(super) async fn load(tx: &mut Tx<'_>, users: &[OwnedUserId]) -> Result<Vec<Self>> {
        let keys = tx.cross_signing_list_each(users).await?;
        let devices = tx.device_keys_list_each(users).await?;
        let mut identities = Vec::with_capacity(users.len());
        for (keys, devices) in keys.into_iter().zip(devices) {
            let mut identity = Self::default();
            for CrossSigningKey { usage, key_id, json } in keys {
                let key = PublicKey::parse(&key_id).ok_or_else(|| unreadable("cross-signing key"))?;
                identity.keys.insert(
                    usage,
                    Published {
                        key,
                        object: Signed::parse(&json)?,
                    },
                );
            }
            for device in devices {
                let key = device_key(&device.json, device.device_id.as_str());
                let key = key.ok_or_else(|| unreadable("device key"))?;
                let published = Published {
                    key,
                    object: Signed::parse(&device.json)?,
                };
                identity.devices.insert(device.device_id.to_string(), published);
            }
            identities.push(identity);
        }
        Ok(identities)
    }

    /// The same of one user, outside of a unit of work.
    pub(super) async fn read(server: &Arc<Server>, user_id: &OwnedUserId) -> Result<Self> {
        let users = [user_id.clone()];
        let found = server
            .store
            .read(move |tx| Box::pin(async move { Self::load(tx, &users).await }))
            .await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// A key of this identity, with its id such as `ed25519:BASE64`.
    pub(super) fn signer(&self, usage: KeyUsage) -> Option<(String, PublicKey)> {
        self.keys
            .get(&usage)
            .map(|published| (key_id(published.key), published.key))
    }

    /// The device that signs under this id.
    pub(super) fn signing_device(&self, key_id: &str) -> Option<PublicKey> {
        self.devices
            .get(key_id.strip_prefix("ed25519:")?)
            .map(|device| device.key)
    }
}

/// The id that an identity key signs under.
pub(super) fn key_id(key: PublicKey) -> String {
    format!("ed25519:{}", key.text())
}

/// The Ed25519 key in the keys of a device.
pub(super) fn device_key(json: &str, device_id: &str) -> Option<PublicKey> {
    #[derive(serde::Deserialize)]
    struct Keys {
        keys: BTreeMap<String, String>,
    }
    let keys: Keys = serde_json::from_str(json).ok()?;
    PublicKey::parse(keys.keys.get(&format!("ed25519:{device_id}"))?)
}

fn unreadable(what: &str) -> Refusal {
    Refusal::Internal(format!("a stored {what} can't be read"))
}
