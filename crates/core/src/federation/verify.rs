//! Verifies events of other servers: fetches the keys that are needed, and checks many signatures without holding anybody
//! else up.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use rohrpost_room::receive::{Received, Unverified};
use ruma::{OwnedServerName, signatures::PublicKeyMap};

use crate::{
    Refusal, Result, Server,
    federation::server_keys::{KnownKeys, keys_at},
};

/// Servers whose keys are fetched at the same time.
const SERVERS_AT_ONCE: usize = 32;
/// Servers whose keys are looked for to verify one answer.
const MAX_SERVERS: usize = 5000;
/// Longest time for fetching keys. Of a server that doesn't answer in time, the events can't be believed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events whose signatures are checked in one go: some ten milliseconds.
const BATCH: usize = 100;
/// How many such batches are checked at the same time.
const BATCHES_AT_ONCE: usize = 2;

/// What is wanted of a server: keys of these ids, good for something signed at this time, ms since the epoch.
#[derive(Default)]
struct Wanted {
    key_ids: BTreeSet<String>,
    latest_ts: i64,
}

/// Verifies events. Those that aren't signed by whom they must be are left out; the others keep their order.
///
/// # Errors
/// Only those of the store. A server that doesn't answer has the keys that are known of it, or none.
pub(crate) async fn verify(server: &Arc<Server>, events: Vec<Unverified>) -> Result<Vec<Received>> {
    let keys = Arc::new(keys(server, &events).await?);
    let mut batches = Vec::with_capacity(events.len().div_ceil(BATCH));
    let mut events = events.into_iter().peekable();
    while events.peek().is_some() {
        batches.push(events.by_ref().take(BATCH).collect::<Vec<_>>());
    }
    let checking = stream::iter(batches).map(|batch| {
        let keys = Arc::clone(&keys);
        tokio::task::spawn_blocking(move || check(batch, &keys))
    });
    let mut checking = checking.buffered(BATCHES_AT_ONCE);
    let mut verified = Vec::new();
    while let Some(checked) = checking.next().await {
        verified.extend(checked.map_err(|error| Refusal::Internal(error.to_string()))?);
    }
    Ok(verified)
}

type Keys = HashMap<OwnedServerName, KnownKeys>;

async fn keys(server: &Arc<Server>, events: &[Unverified]) -> Result<Keys> {
    let mut wanted: BTreeMap<OwnedServerName, Wanted> = BTreeMap::new();
    for event in events {
        for signer in event.signers() {
            let key_ids = event.key_ids(&signer);
            if wanted.len() >= MAX_SERVERS && !wanted.contains_key(&signer) {
                continue;
            }
            let wanted = wanted.entry(signer).or_default();
            if wanted.key_ids.len() < rohrpost_room::receive::MAX_KEY_IDS {
                wanted.key_ids.extend(key_ids);
            }
            let ts = i64::from(event.origin_server_ts().0);
            wanted.latest_ts = wanted.latest_ts.max(ts);
        }
    }
    let names: Vec<OwnedServerName> = wanted.keys().cloned().collect();
    let fetching = stream::iter(wanted).map(|(name, wanted)| fetch(Arc::clone(server), name, wanted).boxed());
    let fetching = fetching.buffer_unordered(SERVERS_AT_ONCE).collect::<Vec<_>>();
    match tokio::time::timeout(PATIENCE, fetching).await {
        Ok(fetched) => fetched.into_iter().collect::<Result<()>>()?,
        Err(_) => tracing::info!("not all servers of a room told their keys in time"),
    }
    let mut keys = Keys::new();
    for name in names {
        let known = KnownKeys::of(server, &name).await?;
        keys.insert(name, known);
    }
    Ok(keys)
}

/// Sees to it that wanted keys of a server are known, if it tells them.
async fn fetch(server: Arc<Server>, name: OwnedServerName, wanted: Wanted) -> Result<()> {
    let key_ids: Vec<String> = wanted.key_ids.into_iter().collect();
    keys_at(&server, &name, &key_ids, wanted.latest_ts)
        .await
        .map(drop)
}

fn check(events: Vec<Unverified>, keys: &Keys) -> Vec<Received> {
    let mut verified = Vec::with_capacity(events.len());
    for event in events {
        let at_ts = i64::from(event.origin_server_ts().0);
        let event_id = event.event_id().to_owned();
        let signers = event.signers().into_iter();
        let keys: PublicKeyMap = signers
            .filter_map(|signer| Some((signer.to_string(), keys.get(&signer)?.at(at_ts))))
            .collect();
        match event.verify(&keys) {
            Ok(received) => verified.push(received),
            Err(error) => tracing::debug!(event = %event_id, %error, "an event is dropped"),
        }
    }
    verified
}
