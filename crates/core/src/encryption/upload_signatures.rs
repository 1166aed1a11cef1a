//! Publishes signatures on devices and identities. Each is verified before it is kept.
//!
//! Three kinds are taken: by the user's self-signing key on own devices, by own devices on the own master key, and
//! by the user's user-signing key on master keys of others. The last are seen by the signer alone.

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::{KeySignature, KeyUsage, Tx, Work};
use ruma::{OwnedUserId, UserId, api::client::keys::upload_signatures::v3::SignedKeys};

use super::{
    identity::{Identity, Published},
    signed::{PublicKey, Signed},
};
use crate::{Caller, Refusal, Result, Server, devices};

/// Signed objects in one request.
const MAX_OBJECTS: usize = 200;
/// Signatures on one object. Each costs a verification.
const MAX_SIGNATURES: usize = 20;
/// How often the signatures are checked again because keys changed meanwhile.
const ATTEMPTS: usize = 3;

/// What is to be published.
pub struct UploadSignatures {
    /// Who signed.
    pub caller: Caller,
    /// The signed objects, by user and by device id or public key.
    pub signed: BTreeMap<OwnedUserId, SignedKeys>,
}

/// Why signatures on an object are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFailure {
    /// There is no such device or key, or the caller doesn't sign such.
    #[error("there is no such key that you could sign")]
    NotFound,
    /// Something else was signed than what is published.
    #[error("this is not the key that is published under this name")]
    Mismatch,
    /// A signature is wrong, or there is none that could be verified.
    #[error("the signature is wrong or of an unknown key")]
    Invalid,
}

/// By user and by device id or public key.
pub type Failures = BTreeMap<OwnedUserId, BTreeMap<String, SignatureFailure>>;

type Identities = BTreeMap<OwnedUserId, Identity>;

struct Unit {
    server: Arc<Server>,
    signer: OwnedUserId,
    /// What the signatures were verified against.
    known: Identities,
    /// By whom they are on.
    verified: BTreeMap<OwnedUserId, Vec<KeySignature>>,
}

/// Publishes signatures; answers those that were not kept.
///
/// # Errors
/// `InvalidParam` for too many at once.
pub async fn upload_signatures(server: &Arc<Server>, upload: UploadSignatures) -> Result<Failures> {
    let UploadSignatures { caller, signed } = upload;
    let signer = caller.user_id;
    if signed.values().map(|keys| keys.iter().count()).sum::<usize>() > MAX_OBJECTS {
        return Err(Refusal::InvalidParam(format!(
            "please upload signatures on at most {MAX_OBJECTS} keys at once"
        )));
    }
    for _ in 0..ATTEMPTS {
        let mut users: Vec<OwnedUserId> = signed.keys().cloned().collect();
        users.push(signer.clone());
        users.sort_unstable();
        users.dedup();
        let server_ = Arc::clone(server);
        let known = server
            .store
            .read(move |tx| Box::pin(async move { load(&server_, tx, users).await }))
            .await?;
        let (verified, failures) = judge(&signer, &signed, &known);
        if verified.is_empty() {
            return Ok(failures);
        }
        if server
            .store
            .write(Unit {
                server: Arc::clone(server),
                signer: signer.clone(),
                known,
                verified,
            })
            .await?
        {
            return Ok(failures);
        }
    }
    Err(Refusal::Unknown(
        "these keys are being changed elsewhere; please try again".to_owned(),
    ))
}

/// What is known of these users. Of people of other servers that is what somebody here asked for lately.
async fn load(server: &Server, tx: &mut Tx<'_>, users: Vec<OwnedUserId>) -> Result<Identities> {
    let (local, remote): (Vec<_>, Vec<_>) = users.into_iter().partition(|user| server.is_local(user));
    let mut identities = Identity::load(tx, &local).await?;
    identities.extend(Identity::load_remote(tx, &remote).await?);
    Ok(local.into_iter().chain(remote).zip(identities).collect())
}

/// Verifies everything. An object of which one signature is wrong is left out as a whole.
fn judge(
    signer: &UserId,
    signed: &BTreeMap<OwnedUserId, SignedKeys>,
    known: &Identities,
) -> (BTreeMap<OwnedUserId, Vec<KeySignature>>, Failures) {
    let (mut verified, mut failures): (BTreeMap<_, Vec<_>>, Failures) = Default::default();
    for (target, objects) in signed {
        for (target_key, json) in objects {
            match judge_one(signer, target, target_key, json.get(), known) {
                Ok(signatures) if signatures.is_empty() => {}
                Ok(signatures) => verified.entry(target.clone()).or_default().extend(signatures),
                Err(failure) => {
                    failures
                        .entry(target.clone())
                        .or_default()
                        .insert(target_key.to_owned(), failure);
                }
            }
        }
    }
    (verified, failures)
}

fn judge_one(
    signer: &UserId,
    target: &UserId,
    target_key: &str,
    json: &str,
    known: &Identities,
) -> Result<Vec<KeySignature>, SignatureFailure> {
    let own = known.get(signer).ok_or(SignatureFailure::NotFound)?;
    let identity = known.get(target).ok_or(SignatureFailure::NotFound)?;
    let is_own = signer == target;
    let named = |published: &&Published| published.key.text() == target_key;
    let master = identity.keys.get(&KeyUsage::Master).filter(named);
    let (published, signer_usage) = match (master, identity.devices.get(target_key)) {
        (Some(master), _) if is_own => (master, None),
        (Some(master), _) => (master, Some(KeyUsage::UserSigning)),
        (None, Some(device)) if is_own => (device, Some(KeyUsage::SelfSigning)),
        _ => return Err(SignatureFailure::NotFound),
    };
    let object = Signed::parse(json).map_err(|_| SignatureFailure::Mismatch)?;
    if !object.is_same(&published.object) {
        return Err(SignatureFailure::Mismatch);
    }
    // The own master key is signed by own devices, everything else by one key.
    let key_named = |signer_key: &str| -> Option<PublicKey> {
        match signer_usage {
            None => own.signing_device(signer_key),
            Some(usage) => own
                .signer(usage)
                .filter(|(id, _)| id == signer_key)
                .map(|(_, key)| key),
        }
    };
    let mut verified = Vec::new();
    let mut is_known = false;
    for (signer_key, signature) in object.signatures_of(signer).take(MAX_SIGNATURES) {
        // A client may send what it got, with its own signature added.
        if published
            .object
            .signatures_of(signer)
            .any(|there| there == (signer_key, signature))
        {
            is_known = true;
            continue;
        }
        let Some(key) = key_named(signer_key) else {
            continue;
        };
        if !object.is_signed_by(signer, signer_key, key) {
            return Err(SignatureFailure::Invalid);
        }
        verified.push(KeySignature {
            target_key: target_key.to_owned(),
            signer_user: signer.to_owned(),
            signer_key: signer_key.to_owned(),
            signature: signature.to_owned(),
        });
    }
    match verified.is_empty() && !is_known {
        true => Err(SignatureFailure::Invalid),
        false => Ok(verified),
    }
}

impl Work for Unit {
    /// Whether the keys were still those that the signatures were verified against.
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        tx.cross_signing_lock(&self.signer).await?;
        let users: Vec<OwnedUserId> = self.known.keys().cloned().collect();
        if load(&self.server, tx, users).await? != self.known {
            return Ok(false);
        }
        let targets: Vec<OwnedUserId> = self.verified.keys().cloned().collect();
        let there = tx.key_signature_list_each(&targets, &self.signer).await?;
        let mut is_own_changed = false;
        let mut signed = Vec::new();
        for ((target, verified), there) in self.verified.iter().zip(there) {
            let new: Vec<KeySignature> = verified
                .iter()
                .filter(|new| !there.contains(new))
                .cloned()
                .collect();
            if new.is_empty() {
                continue;
            }
            tx.key_signature_put(target, &new).await?;
            match *target == self.signer {
                true => is_own_changed = true,
                false => signed.push(target),
            }
        }
        if is_own_changed {
            devices::changed::changed(tx, &self.signer).await?;
        }
        if !signed.is_empty() {
            let pos = tx.pos_next().await?;
            for target in signed {
                tx.signed_user_touch(&self.signer, target, pos).await?;
            }
            tx.wake_user(&self.signer);
        }
        Ok(true)
    }
}
