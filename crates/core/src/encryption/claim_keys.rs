//! Hands out one-time keys. Each is handed out once; when there are none, the fallback key is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rohrpost_store::{KeyWanted, OneTimeKey, Tx, Work};
use ruma::{
    OneTimeKeyAlgorithm, OwnedDeviceId, OwnedOneTimeKeyId, OwnedUserId, encryption::OneTimeKey as WireKey,
    serde::Raw,
};
use serde_json::value::RawValue;

pub use super::remote_keys::Failures;
use super::remote_keys::{self, PATIENCE};
use crate::{Caller, Refusal, Result, Server, limits::Kind};

/// Devices in one request.
pub(super) const MAX_DEVICES: usize = 5_000;
/// Keys that are claimed in one unit of work, so that others needn't wait long.
const KEYS_PER_UNIT: usize = 250;

/// Which keys are wanted.
pub struct ClaimKeys {
    /// Who wants them.
    pub caller: Caller,
    /// The algorithm for each device.
    pub wanted: Wanted,
    /// How long other servers are waited for; `None`: 10 s, which is the longest time.
    pub patience: Option<Duration>,
}

type Wanted = BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>;

/// The keys of devices, each under its id.
pub type ClaimedKeys =
    BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, BTreeMap<OwnedOneTimeKeyId, Raw<WireKey>>>>;

struct Unit(Vec<KeyWanted>);

/// Hands out a key of each wanted device. Devices that have none, or don't exist, are missing in the answer. Beside it
/// stand the servers that didn't answer.
///
/// # Errors
/// `InvalidParam` for too many devices at once; `LimitExceeded`.
pub async fn claim_keys(server: &Arc<Server>, claim: ClaimKeys) -> Result<(ClaimedKeys, Failures)> {
    let ClaimKeys {
        caller,
        wanted,
        patience,
    } = claim;
    server.limit(Kind::KeyClaim, caller.user_id.as_str())?;
    if wanted.values().map(BTreeMap::len).sum::<usize>() > MAX_DEVICES {
        return Err(Refusal::InvalidParam(format!(
            "please claim keys of at most {MAX_DEVICES} devices at once"
        )));
    }
    let (local, remote): (Wanted, Wanted) = wanted
        .into_iter()
        .partition(|(user_id, _)| server.is_local(user_id));
    let mut claimed = hand_out(server, keys_wanted(local)).await?;
    let patience = patience.unwrap_or(PATIENCE).min(PATIENCE);
    let (of_others, failures) = remote_keys::claim(server, remote, patience).await?;
    claimed.extend(of_others);
    Ok((claimed, failures))
}

pub(super) fn keys_wanted(wanted: Wanted) -> Vec<KeyWanted> {
    let of_user = |(user_id, devices): (OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>)| {
        devices.into_iter().map(move |(device_id, algorithm)| KeyWanted {
            user_id: user_id.clone(),
            device_id,
            algorithm: algorithm.to_string(),
        })
    };
    wanted.into_iter().flat_map(of_user).collect()
}

/// Hands out keys of users of this server, whoever asks.
pub(super) async fn hand_out(server: &Arc<Server>, wanted: Vec<KeyWanted>) -> Result<ClaimedKeys> {
    let mut claimed = ClaimedKeys::new();
    for wanted in wanted.chunks(KEYS_PER_UNIT) {
        let keys = server.store.write(Unit(wanted.to_vec())).await?;
        for (wanted, key) in wanted.iter().zip(keys) {
            let Some(OneTimeKey {
                algorithm,
                key_id,
                json,
            }) = key
            else {
                continue;
            };
            let internal =
                |what: &str| Refusal::Internal(format!("a stored one-time key can't be read: {what}"));
            let id = OwnedOneTimeKeyId::try_from(format!("{algorithm}:{key_id}"))
                .map_err(|_| internal("its id"))?;
            let json = RawValue::from_string(json).map_err(|_| internal("its content"))?;
            let of_user = claimed.entry(wanted.user_id.clone()).or_default();
            of_user
                .entry(wanted.device_id.clone())
                .or_default()
                .insert(id, Raw::from_json(json));
        }
    }
    Ok(claimed)
}

impl Work for Unit {
    type Out = Vec<Option<OneTimeKey>>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out> {
        let claimed = tx.one_time_key_claim(&self.0).await?;
        // Their devices learn from the counts in /sync that they must upload more. The list is in order.
        let mut owners: Vec<OwnedUserId> = self
            .0
            .iter()
            .zip(&claimed)
            .filter(|(_, key)| key.is_some())
            .map(|(wanted, _)| wanted.user_id.clone())
            .collect();
        owners.dedup();
        tx.wake(owners.into());
        Ok(claimed)
    }
}
