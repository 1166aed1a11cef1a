//! Keys of people of other servers: asked of those servers, checked as if their people had uploaded them here, and kept
//! while nothing is heard of a change.
//!
//! A server tells of changes while its people share a room with somebody here; what is kept is used only as long, and for a
//! day at most. Whoever tells of a change notes it as for people of this server
//! ([`changed`](crate::devices::changed::changed)): what was asked for before that isn't used any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use rohrpost_store::{KeyUsage, StreamPos, Tx, Work};
use ruma::{
    OneTimeKeyAlgorithm, OwnedDeviceId, OwnedOneTimeKeyId, OwnedServerName, OwnedUserId,
    api::federation::keys::{claim_keys, get_keys},
    encryption::{CrossSigningKey, DeviceKeys, OneTimeKey},
    serde::Raw,
};
use serde::{Deserialize, Serialize};

use super::{
    claim_keys::ClaimedKeys,
    identity::{Identity, Published, key_id},
    signed::Signed,
    upload_identity::check_key,
    upload_keys::{check_device_keys, check_one_time_key},
};
use crate::{Refusal, Result, Server, federation::ask::AskError};

/// Servers that are asked at the same time for one request.
const AT_ONCE: usize = 16;
/// Longest time for the answers of all servers, unless the client wants to wait shorter.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer of a server, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Devices of one person that are taken.
const MAX_DEVICES: usize = 500;
/// For how long what is kept is used: a day, in ms.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows that one unit of work writes.
const ROWS_PER_UNIT: usize = 200;

/// The keys of one person, checked.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct RemoteKeys {
    pub(super) devices: BTreeMap<OwnedDeviceId, Raw<DeviceKeys>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) master: Option<Raw<CrossSigningKey>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) self_signing: Option<Raw<CrossSigningKey>>,
}

/// Why a server's people are missing in an answer, for each such server.
pub type Failures = BTreeMap<OwnedServerName, String>;

/// The keys of people of other servers. Those of whom their server told nothing are missing, as are those of servers that
/// this one doesn't speak with.
///
/// # Errors
/// Only those of the store: a server that doesn't answer in order is one of the failures.
pub(super) async fn query(
    server: &Arc<Server>,
    mut users: Vec<OwnedUserId>,
    patience: Duration,
) -> Result<(BTreeMap<OwnedUserId, RemoteKeys>, Failures)> {
    users.retain(|user_id| server.speaks_with(user_id.server_name()));
    if users.is_empty() {
        return Ok(Default::default());
    }
    let (server_, after_ts, asked) = (Arc::clone(server), server.now_ts() - MAX_AGE_MS, users.clone());
    let (kept, pos) = server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let kept = tx
                    .remote_keys_list_valid(&asked, server_.name(), after_ts)
                    .await?;
                // A change that is noted from here on is newer than what is asked for now.
                Ok::<_, Refusal>((kept, tx.pos_now().await?))
            })
        })
        .await?;
    let mut found = BTreeMap::new();
    for (user_id, keys) in kept {
        found.insert(user_id, serde_json::from_str(&keys)?);
    }
    let mut missing: BTreeMap<OwnedServerName, Vec<OwnedUserId>> = BTreeMap::new();
    for user_id in users {
        if !found.contains_key(&user_id) {
            let of_server = missing.entry(user_id.server_name().to_owned()).or_default();
            of_server.push(user_id);
        }
    }
    let (answers, failures) = ask_all(server, missing, patience, ask_keys).await?;
    let fresh: BTreeMap<OwnedUserId, RemoteKeys> = answers.into_iter().flatten().collect();
    keep(server, &fresh, pos).await?;
    found.extend(fresh);
    Ok((found, failures))
}

/// Hands out one-time keys of people of other servers. Devices of which their server gave none are missing.
///
/// # Errors
/// None at the moment; as [`query`].
pub(super) async fn claim(
    server: &Arc<Server>,
    wanted: BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>,
    patience: Duration,
) -> Result<(ClaimedKeys, Failures)> {
    let mut by_server: BTreeMap<OwnedServerName, claim_keys::v1::OneTimeKeyClaims> = BTreeMap::new();
    for (user_id, devices) in wanted {
        if !server.speaks_with(user_id.server_name()) {
            continue;
        }
        let of_server = by_server.entry(user_id.server_name().to_owned()).or_default();
        of_server.insert(user_id, devices);
    }
    let (answers, failures) = ask_all(server, by_server, patience, ask_claim).await?;
    Ok((answers.into_iter().flatten().collect(), failures))
}

/// Asks all servers at the same time. What isn't there in time counts as a failure.
async fn ask_all<Q, A, Fut>(
    server: &Arc<Server>,
    questions: BTreeMap<OwnedServerName, Q>,
    patience: Duration,
    ask: impl Fn(Arc<Server>, OwnedServerName, Q) -> Fut,
) -> Result<(Vec<A>, Failures)>
where
    Fut: Future<Output = Result<A, AskError>>,
{
    let mut waiting: BTreeSet<OwnedServerName> = questions.keys().cloned().collect();
    let asking = stream::iter(questions)
        .map(|(name, question)| {
            let answer = ask(Arc::clone(server), name.clone(), question);
            async move { (name, answer.await) }
        })
        .buffer_unordered(AT_ONCE);
    let (mut answers, mut failures) = (Vec::new(), Failures::new());
    let collecting = async {
        let mut asking = std::pin::pin!(asking);
        while let Some((name, answer)) = asking.next().await {
            waiting.remove(&name);
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => drop(failures.insert(name, error.to_string())),
            }
        }
    };
    // Who is late is late: what came is answered.
    let _ = tokio::time::timeout(patience, collecting).await;
    let late = waiting
        .into_iter()
        .map(|name| (name, "the server didn't answer in time".to_owned()));
    failures.extend(late);
    Ok((answers, failures))
}

async fn ask_keys(
    server: Arc<Server>,
    name: OwnedServerName,
    users: Vec<OwnedUserId>,
) -> Result<BTreeMap<OwnedUserId, RemoteKeys>, AskError> {
    // All devices, so that the answer can be kept.
    let wanted = users
        .iter()
        .map(|user_id| (user_id.clone(), Vec::new()))
        .collect();
    let request = get_keys::v1::Request::new(wanted);
    let answer = server
        .ask_within(&name, request, (MAX_ANSWER_BYTES, PATIENCE))
        .await?;
    // Each signature takes some ten microseconds, and there may be thousands.
    let checking = tokio::task::spawn_blocking(move || check_all(users, answer));
    checking.await.map_err(|_| AskError::Nonsense)
}

fn check_all(
    users: Vec<OwnedUserId>,
    mut answer: get_keys::v1::Response,
) -> BTreeMap<OwnedUserId, RemoteKeys> {
    let mut checked = BTreeMap::new();
    for user_id in users {
        let devices = answer.device_keys.remove(&user_id);
        let master = answer.master_keys.remove(&user_id);
        let self_signing = answer.self_signing_keys.remove(&user_id);
        if devices.is_some() || master.is_some() {
            let keys = check(&user_id, devices.unwrap_or_default(), master, self_signing);
            checked.insert(user_id, keys);
        }
    }
    checked
}

/// Leaves out what isn't of that person, or isn't signed as it must be.
fn check(
    user_id: &OwnedUserId,
    devices: BTreeMap<OwnedDeviceId, Raw<DeviceKeys>>,
    master: Option<Raw<CrossSigningKey>>,
    self_signing: Option<Raw<CrossSigningKey>>,
) -> RemoteKeys {
    let usable = |usage, raw: &Raw<_>| check_key(user_id, usage, raw).ok();
    let master = master.and_then(|raw| usable(KeyUsage::Master, &raw));
    let self_signing = self_signing.and_then(|raw| usable(KeyUsage::SelfSigning, &raw));
    let self_signing = self_signing.filter(|published| {
        let by_master = |master: &Published| {
            let signer = key_id(master.key);
            master.key != published.key && published.object.is_signed_by(user_id, &signer, master.key)
        };
        master.as_ref().is_some_and(by_master)
    });
    let mut keys = RemoteKeys::default();
    let mut by_id = BTreeMap::new();
    for (device_id, raw) in devices.into_iter().take(MAX_DEVICES) {
        let Ok(device) = check_device_keys(user_id, &device_id, &raw) else {
            continue;
        };
        let mut signers = vec![(format!("ed25519:{device_id}"), device.key)];
        signers.extend(
            self_signing
                .iter()
                .map(|published| (key_id(published.key), published.key)),
        );
        if let Ok(json) = device.object.json_with_verified(user_id, &signers) {
            keys.devices.insert(device_id.clone(), Raw::from_json(json));
            by_id.insert(format!("ed25519:{device_id}"), device.key);
        }
    }
    keys.self_signing = master
        .as_ref()
        .zip(self_signing.as_ref())
        .and_then(|(master, published)| {
            let signer = (key_id(master.key), master.key);
            let json = published.object.json_with_verified(user_id, &[signer]);
            json.ok().map(Raw::from_json)
        });
    keys.master = master.and_then(|master| {
        let devices: Vec<_> = by_id.into_iter().collect();
        let json = master.object.json_with_verified(user_id, &devices);
        json.ok().map(Raw::from_json)
    });
    keys
}

async fn ask_claim(
    server: Arc<Server>,
    name: OwnedServerName,
    wanted: claim_keys::v1::OneTimeKeyClaims,
) -> Result<ClaimedKeys, AskError> {
    let request = claim_keys::v1::Request::new(wanted.clone());
    let mut answer = server
        .ask_within(&name, request, (MAX_ANSWER_BYTES, PATIENCE))
        .await?
        .one_time_keys;
    let mut claimed = ClaimedKeys::new();
    for (user_id, devices) in wanted {
        let mut given = answer.remove(&user_id).unwrap_or_default();
        for (device_id, algorithm) in devices {
            let keys = given.remove(&device_id).unwrap_or_default();
            let key = keys.into_iter().find(|(id, raw)| is_key(id, raw, &algorithm));
            if let Some((id, raw)) = key {
                let of_user = claimed.entry(user_id.clone()).or_default();
                of_user.entry(device_id).or_default().insert(id, raw);
            }
        }
    }
    Ok(claimed)
}

fn is_key(id: &OwnedOneTimeKeyId, raw: &Raw<OneTimeKey>, algorithm: &OneTimeKeyAlgorithm) -> bool {
    id.algorithm() == *algorithm && check_one_time_key(id.as_str(), raw.json().get()).is_ok()
}

struct Keep {
    server: Arc<Server>,
    keys: Vec<(OwnedUserId, String)>,
    pos: StreamPos,
    now_ts: i64,
}

async fn keep(server: &Arc<Server>, fresh: &BTreeMap<OwnedUserId, RemoteKeys>, pos: StreamPos) -> Result<()> {
    let mut rows = Vec::with_capacity(fresh.len());
    for (user_id, keys) in fresh {
        rows.push((user_id.clone(), serde_json::to_string(keys)?));
    }
    for rows in rows.chunks(ROWS_PER_UNIT) {
        let unit = Keep {
            server: Arc::clone(server),
            keys: rows.to_vec(),
            pos,
            now_ts: server.now_ts(),
        };
        server.store.write(unit).await?;
    }
    Ok(())
}

impl Work for Keep {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let at = (self.pos, self.now_ts);
        Ok(tx.remote_keys_put(&self.keys, self.server.name(), at).await?)
    }
}

impl Identity {
    /// The keys that are kept of people of other servers, in their order; nothing of those of whom none are.
    pub(super) async fn load_remote(tx: &mut Tx<'_>, users: &[OwnedUserId]) -> Result<Vec<Self>> {
        let mut identities = Vec::with_capacity(users.len());
        for (user_id, kept) in users.iter().zip(tx.remote_keys_list_each(users).await?) {
            let mut identity = Self::default();
            if let Some(kept) = kept {
                let keys: RemoteKeys = serde_json::from_str(&kept)?;
                let master = keys.master.map(|raw| check_key(user_id, KeyUsage::Master, &raw));
                if let Some(master) = master.transpose()? {
                    identity.keys.insert(KeyUsage::Master, master);
                }
            }
            identities.push(identity);
        }
        Ok(identities)
    }
}

impl Signed {
    /// The object with those signatures of a user that these keys made, and no others.
    fn json_with_verified(
        &self,
        user_id: &OwnedUserId,
        signers: &[(String, super::signed::PublicKey)],
    ) -> Result<Box<serde_json::value::RawValue>> {
        let signed = signers
            .iter()
            .filter(|(id, key)| self.is_signed_by(user_id, id, *key))
            .map(|(id, _)| id.as_str());
        let json = self.json_with_each(user_id, signed)?;
        Ok(serde_json::value::RawValue::from_string(json)?)
    }
}
