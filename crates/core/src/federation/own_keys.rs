//! The keys by which other servers know what this one signed.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>

use std::sync::Arc;

use rohrpost_room::keys::{key_from_seed, key_id, verify_key};
use ruma::{
    CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedServerSigningKeyId, UInt,
    api::federation::discovery::{OldVerifyKey, ServerSigningKeys, VerifyKey},
    serde::{Base64, Raw},
    signatures::{PublicKeySet, sign_json},
};

use crate::{Refusal, Result, Server};

/// For how long others may keep what they read here: a day.
const VALIDITY_MS: u32 = 24 * 60 * 60 * 1000;

/// A key that signed once: its id, the public key, and when it ended, ms since the epoch.
type Old = (String, Base64, i64);

/// What this server publishes about its keys, signed.
///
/// # Errors
/// `Unrecognized` when there is no federation.
pub async fn document(server: &Arc<Server>) -> Result<Raw<ServerSigningKeys>> {
    if !server.settings.federation.is_on() {
        return Err(Refusal::Unrecognized);
    }
    let valid_until = server.clock.now().0.saturating_add(UInt::from(VALIDITY_MS));
    let mut keys = ServerSigningKeys::new(server.name().to_owned(), MilliSecondsSinceUnixEpoch(valid_until));
    keys.verify_keys.insert(
        parse(&key_id(&server.key))?,
        VerifyKey::new(verify_key(&server.key)),
    );
    for (key_id, key, expired_ts) in old(server).await? {
        let expired = UInt::try_from(expired_ts).unwrap_or_default();
        keys.old_verify_keys.insert(
            parse(&key_id)?,
            OldVerifyKey::new(MilliSecondsSinceUnixEpoch(expired), key),
        );
    }
    let mut object: CanonicalJsonObject = serde_json::from_value(serde_json::to_value(keys)?)?;
    object.remove("signatures");
    sign_json(server.name().as_str(), &server.key, &mut object)
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Raw::from_json(serde_json::value::to_raw_value(&object)?))
}

/// All public keys of this server, for checking what it signed itself.
pub(crate) async fn public(server: &Arc<Server>) -> Result<PublicKeySet> {
    let current = (key_id(&server.key), verify_key(&server.key));
    let old = old(server)
        .await?
        .into_iter()
        .map(|(key_id, key, _)| (key_id, key));
    Ok(old.chain([current]).collect())
}

async fn old(server: &Arc<Server>) -> Result<Vec<Old>> {
    let reading = server
        .store
        .read(|tx| Box::pin(async move { Ok::<_, Refusal>(tx.signing_key_list_expired().await?) }));
    let old = reading.await?.into_iter().filter_map(|(row, expired_ts)| {
        let seed: [u8; 32] = row.seed.try_into().ok()?;
        let version = row.key_id.strip_prefix("ed25519:")?;
        let key = key_from_seed(&seed, version).ok()?;
        Some((row.key_id, verify_key(&key), expired_ts))
    });
    Ok(old.collect())
}

fn parse(key_id: &str) -> Result<OwnedServerSigningKeyId> {
    OwnedServerSigningKeyId::try_from(key_id).map_err(|error| Refusal::Internal(error.to_string()))
}
