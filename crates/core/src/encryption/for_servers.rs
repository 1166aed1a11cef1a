//! Keys of people here, for other servers: of those who are in a room together with somebody there, and of nobody else.
//!
//! What somebody calls their devices is for this server's people, and who signed whom for the signer.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption>

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_store::Tx;
use ruma::{
    OneTimeKeyAlgorithm, OwnedDeviceId, OwnedServerName, OwnedUserId, ServerName, UserId,
    encryption::{CrossSigningKey, DeviceKeys},
    serde::Raw,
};
use serde_json::{Map, Value, value::to_raw_value};

use super::{
    claim_keys::{ClaimedKeys, MAX_DEVICES, hand_out, keys_wanted},
    query_keys::{self, MAX_USERS, PublicKeys},
};
use crate::{Refusal, Result, Server};

/// The devices of a user.
pub struct DeviceList {
    /// The number of the last change that other servers were told.
    pub stream_id: i64,
    /// The devices that published keys.
    pub devices: BTreeMap<OwnedDeviceId, Raw<DeviceKeys>>,
    /// What stands for the user.
    pub master: Option<Raw<CrossSigningKey>>,
    /// What the user signs their devices with.
    pub self_signing: Option<Raw<CrossSigningKey>>,
}

/// The devices of a user of this server.
///
/// # Errors
/// `NotFound` when there is no such user here, or they share no room with that server.
///
/// # Spec
/// [`GET /user/devices`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid)
pub async fn devices(
    server: &Arc<Server>,
    origin: OwnedServerName,
    user_id: OwnedUserId,
) -> Result<DeviceList> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let wanted = BTreeMap::from([(user_id.clone(), Vec::new())]);
                let mut keys = read(&server_, tx, &origin, wanted).await?;
                let devices = keys.devices.remove(&user_id);
                let devices = devices.ok_or_else(|| Refusal::not_found("this person was"))?;
                let (_, told) = tx.told_devices(&user_id).await?;
                Ok(DeviceList {
                    stream_id: told.unwrap_or(0),
                    devices,
                    master: keys.master.remove(&user_id),
                    self_signing: keys.self_signing.remove(&user_id),
                })
            })
        })
        .await
}

/// The keys of users of this server. Those who share no room with that server are missing, as are those who don't exist.
///
/// # Errors
/// `InvalidParam` for too many users at once.
///
/// # Spec
/// [`POST /user/keys/query`](https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery)
pub async fn query(
    server: &Arc<Server>,
    origin: OwnedServerName,
    wanted: BTreeMap<OwnedUserId, Vec<OwnedDeviceId>>,
) -> Result<PublicKeys> {
    if wanted.len() > MAX_USERS {
        return Err(Refusal::InvalidParam(format!(
            "please ask for at most {MAX_USERS} users at once"
        )));
    }
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| Box::pin(async move { read(&server_, tx, &origin, wanted).await }))
        .await
}

/// Hands out one-time keys of users of this server. Devices that have none are missing, and users as in [`query`].
///
/// # Errors
/// `InvalidParam` for too many devices at once.
///
/// # Spec
/// [`POST /user/keys/claim`](https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim)
pub async fn claim(
    server: &Arc<Server>,
    origin: OwnedServerName,
    mut wanted: BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>,
) -> Result<ClaimedKeys> {
    if wanted.values().map(BTreeMap::len).sum::<usize>() > MAX_DEVICES {
        return Err(Refusal::InvalidParam(format!(
            "please claim keys of at most {MAX_DEVICES} devices at once"
        )));
    }
    let users: Vec<OwnedUserId> = wanted.keys().cloned().collect();
    let server_ = Arc::clone(server);
    let known = server
        .store
        .read(move |tx| Box::pin(async move { known_to(&server_, tx, &origin, users).await }));
    let known = known.await?;
    wanted.retain(|user_id, _| known.contains(user_id));
    hand_out(server, keys_wanted(wanted)).await
}

async fn read(
    server: &Server,
    tx: &mut Tx<'_>,
    origin: &ServerName,
    mut wanted: BTreeMap<OwnedUserId, Vec<OwnedDeviceId>>,
) -> Result<PublicKeys> {
    let known = known_to(server, tx, origin, wanted.keys().cloned().collect()).await?;
    wanted.retain(|user_id, _| known.contains(user_id));
    // A viewer who signed nobody.
    let nobody =
        UserId::parse(format!("@:{origin}")).map_err(|error| Refusal::Internal(error.to_string()))?;
    let mut keys = query_keys::read(tx, &nobody, wanted).await?;
    for device in keys.devices.values_mut().flat_map(BTreeMap::values_mut) {
        let mut object: Map<String, Value> = serde_json::from_str(device.json().get())?;
        object.remove("unsigned");
        *device = Raw::from_json(to_raw_value(&object)?);
    }
    Ok(keys)
}

/// Those of these users who have an account here and share a room with a server, in order.
async fn known_to(
    server: &Server,
    tx: &mut Tx<'_>,
    origin: &ServerName,
    mut users: Vec<OwnedUserId>,
) -> Result<std::collections::BTreeSet<OwnedUserId>> {
    users.retain(|user_id| server.is_local(user_id));
    let users: Vec<&UserId> = users.iter().map(|user_id| &**user_id).collect();
    let known = tx.server_sharing_each(origin, &users).await?;
    Ok(known.into_iter().collect())
}
