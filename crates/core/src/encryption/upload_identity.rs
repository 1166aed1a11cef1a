//! Publishes the identity of a user: the cross-signing keys.
//!
//! Whoever can replace an identity can pose as the user towards everybody who trusted it. So replacing needs a
//! confirmation, while the first identity, and the same one again, don't.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::{CrossSigningKey, KeySignature, KeyUsage, Tx, Work};
use ruma::{
    UserId,
    api::client::uiaa::AuthData,
    encryption::{CrossSigningKey as WireKey, KeyUsage as WireUsage},
    serde::Raw,
};

use super::{
    identity::{Identity, Published, key_id},
    signed::{PublicKey, Signed},
};
use crate::{
    Caller, Refusal, Result, Server,
    accounts::uia::{self, Proof, UiaRequest},
    devices,
    oauth::manage::is_by_oauth,
};

/// How often the keys are checked again because others changed them meanwhile.
const ATTEMPTS: usize = 3;

/// What is to be published.
pub struct UploadIdentity<'a> {
    /// Whose identity it is.
    pub caller: Caller,
    /// What stands for the user.
    pub master: Option<Raw<WireKey>>,
    /// What signs the user's devices.
    pub self_signing: Option<Raw<WireKey>>,
    /// What signs other users.
    pub user_signing: Option<Raw<WireKey>>,
    /// Method and path, for the confirmation.
    pub operation: &'a str,
    /// The body as received, for the confirmation.
    pub body: &'a [u8],
    /// The confirmation.
    pub auth: Option<AuthData>,
}

type Keys = BTreeMap<KeyUsage, Published>;

struct Unit {
    caller: Caller,
    /// What the new keys were checked against.
    known: Identity,
    /// The new keys that differ from the known ones.
    changed: Keys,
    /// Signatures of the user's devices on the master key, verified.
    by_devices: Vec<KeySignature>,
    proof: Option<Arc<Proof>>,
}

/// Publishes cross-signing keys.
///
/// # Errors
/// `Uiaa` when keys would be replaced; `MissingParam` without a master key, `InvalidSignature` for keys that it did
/// not sign, `InvalidParam` for malformed keys, `Forbidden` for a key that is named like a device.
pub async fn upload_identity(server: &Arc<Server>, upload: UploadIdentity<'_>) -> Result<()> {
    let UploadIdentity {
        caller,
        master,
        self_signing,
        user_signing,
        operation,
        body,
        mut auth,
    } = upload;
    let given = [
        (KeyUsage::Master, master),
        (KeyUsage::SelfSigning, self_signing),
        (KeyUsage::UserSigning, user_signing),
    ];
    let mut keys = Keys::new();
    for (usage, raw) in given {
        if let Some(raw) = raw {
            keys.insert(usage, check_key(&caller.user_id, usage, &raw)?);
        }
    }
    let mut proof = None;
    for _ in 0..ATTEMPTS {
        let known = Identity::read(server, &caller.user_id).await?;
        let changed = changed(&known.keys, &keys);
        check_master(&caller, &known.keys, &keys)?;
        let by_devices = by_devices(&caller, &known, &keys)?;
        if known.keys.contains_key(&KeyUsage::Master) && !changed.is_empty() && proof.is_none() {
            let operation = operation.to_owned();
            let flows = match is_by_oauth(server, &caller).await? {
                true => uia::by_account_page(),
                false => uia::by_password(),
            };
            let request = UiaRequest {
                operation,
                body,
                user: Some(&caller),
                auth: auth.take(),
                flows,
            };
            proof = Some(Arc::new(uia::require_of_people(server, request).await?));
        }
        let unit = Unit {
            caller: caller.clone(),
            known,
            changed,
            by_devices,
            proof: proof.clone(),
        };
        if server.store.write(unit).await? {
            return Ok(());
        }
    }
    Err(Refusal::Unknown(
        "these keys are being changed elsewhere; please try again".to_owned(),
    ))
}

/// Checks everything about a key that can be seen from the key itself.
///
/// # Errors
/// `BadJson`, `TooLarge`, `InvalidParam`.
pub(super) fn check_key(user_id: &UserId, usage: KeyUsage, raw: &Raw<WireKey>) -> Result<Published> {
    let (name, wire_usage) = match usage {
        KeyUsage::Master => ("master_key", WireUsage::Master),
        KeyUsage::SelfSigning => ("self_signing_key", WireUsage::SelfSigning),
        KeyUsage::UserSigning => ("user_signing_key", WireUsage::UserSigning),
    };
    let object = Signed::parse(raw.json().get())?;
    let key = raw
        .deserialize()
        .map_err(|error| Refusal::BadJson(format!("{name}: {error}")))?;
    if key.user_id != *user_id {
        return Err(Refusal::InvalidParam(format!("{name} is of another user")));
    }
    if key.usage != [wire_usage] {
        return Err(Refusal::InvalidParam(format!("{name} has another usage")));
    }
    // "The object must have exactly one property".
    let public = match key.keys.iter().next() {
        Some((id, public)) if key.keys.len() == 1 => {
            PublicKey::parse(public).filter(|key| key.text() == *public && id.as_str() == key_id(*key))
        }
        _ => None,
    };
    let wrong = || {
        Refusal::InvalidParam(format!(
            "{name} must have one key, named ed25519: and its unpadded base64"
        ))
    };
    Ok(Published {
        key: public.ok_or_else(wrong)?,
        object,
    })
}

/// The keys that are not known in this form.
fn changed(known: &Keys, new: &Keys) -> Keys {
    let is_known = |usage: &KeyUsage, new: &Published| {
        known
            .get(usage)
            .is_some_and(|known| known.key == new.key && known.object.is_same(&new.object))
    };
    new.iter()
        .filter(|(usage, new)| !is_known(usage, new))
        .map(|(usage, new)| (*usage, new.clone()))
        .collect()
}

/// The other keys must be signed by the master key that came along, else by the one that is known.
fn check_master(caller: &Caller, known: &Keys, new: &Keys) -> Result<()> {
    let master = new
        .get(&KeyUsage::Master)
        .or_else(|| known.get(&KeyUsage::Master));
    let master = master.ok_or_else(|| Refusal::MissingParam("there is no master key".to_owned()))?;
    let signer = key_id(master.key);
    for (usage, published) in new {
        if *usage == KeyUsage::Master {
            continue;
        }
        if published.key == master.key
            || new
                .iter()
                .any(|(other, key)| other != usage && key.key == published.key)
        {
            return Err(Refusal::InvalidParam(
                "each usage needs a key of its own".to_owned(),
            ));
        }
        if !published
            .object
            .is_signed_by(&caller.user_id, &signer, master.key)
        {
            let text = "the self-signing and user-signing keys must be signed by the master key";
            return Err(Refusal::InvalidSignature(text.to_owned()));
        }
    }
    Ok(())
}

/// The signatures of the user's own devices on the new master key. Those of unknown devices are dropped.
fn by_devices(caller: &Caller, known: &Identity, new: &Keys) -> Result<Vec<KeySignature>> {
    let Some(master) = new.get(&KeyUsage::Master) else {
        return Ok(Vec::new());
    };
    let mut verified = Vec::new();
    for (signer_key, signature) in master.object.signatures_of(&caller.user_id) {
        let Some(device) = known.signing_device(signer_key) else {
            continue;
        };
        if !master.object.is_signed_by(&caller.user_id, signer_key, device) {
            let text = format!("the signature of {signer_key:?} on the master key is wrong");
            return Err(Refusal::InvalidSignature(text));
        }
        verified.push(KeySignature {
            target_key: master.key.text(),
            signer_user: caller.user_id.clone(),
            signer_key: signer_key.to_owned(),
            signature: signature.to_owned(),
        });
    }
    Ok(verified)
}

impl Work for Unit {
    /// Whether the keys were still those that the new ones were checked against.
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let user_id = &self.caller.user_id;
        tx.cross_signing_lock(user_id).await?;
        let known = Identity::load(tx, std::slice::from_ref(user_id)).await?;
        if known.first() != Some(&self.known) {
            return Ok(false);
        }
        if let Some(proof) = &self.proof {
            proof.consume(tx).await?;
        }
        self.check_device_names(tx).await?;
        self.replace(tx).await?;
        let there = tx.key_signature_list(user_id, user_id).await?;
        let new: Vec<KeySignature> = self
            .by_devices
            .iter()
            .filter(|new| !there.contains(new))
            .cloned()
            .collect();
        tx.key_signature_put(user_id, &new).await?;
        if !self.changed.is_empty() || !new.is_empty() {
            devices::changed::changed(tx, user_id).await?;
        }
        Ok(true)
    }
}

impl Unit {
    /// Signatures name device ids and public keys alike, so that one must not be taken for the other.
    async fn check_device_names(&self, tx: &mut Tx<'_>) -> Result<()> {
        let devices = tx.device_list(&self.caller.user_id).await?;
        let is_device = |key: &Published| {
            devices
                .iter()
                .any(|device| device.device_id.as_str() == key.key.text())
        };
        match self.changed.values().any(is_device) {
            true => Err(Refusal::Forbidden("a device has the name of this key".to_owned())),
            false => Ok(()),
        }
    }

    /// Puts the new keys in the place of the old ones. What hung on those doesn't hold any more.
    async fn replace(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.caller.user_id;
        let is_new_master = self.changed.contains_key(&KeyUsage::Master);
        for (usage, old) in &self.known.keys {
            let is_replaced = self.changed.contains_key(usage);
            if is_replaced || is_new_master {
                tx.key_signature_delete_by(user_id, &key_id(old.key)).await?;
                tx.key_signature_delete_on(user_id, &old.key.text()).await?;
            }
            if is_new_master && !is_replaced {
                tx.cross_signing_delete(user_id, *usage).await?;
            }
        }
        let master = self
            .changed
            .get(&KeyUsage::Master)
            .or_else(|| self.known.keys.get(&KeyUsage::Master));
        let signer = master.map(|master| key_id(master.key)).unwrap_or_default();
        for (usage, new) in &self.changed {
            let json = new.object.json_with(user_id, &signer)?;
            let key = CrossSigningKey {
                usage: *usage,
                key_id: new.key.text(),
                json,
            };
            tx.cross_signing_put(user_id, &key).await?;
        }
        Ok(())
    }
}
