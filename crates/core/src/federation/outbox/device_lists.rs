//! What other servers are told of the devices and identities of people here: what differs from what they were told last.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#device-management>

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rohrpost_store::{StreamPos, Tx};
use ruma::{OwnedServerName, OwnedUserId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Result, Server, encryption::query_keys};

/// News of one user.
pub(super) struct Told {
    pub(super) user_id: OwnedUserId,
    pub(super) destinations: Vec<OwnedServerName>,
    /// Subject and JSON.
    pub(super) edus: Vec<(String, String)>,
    /// What is known of each device then; `None`: that it is gone.
    pub(super) hashes: Vec<(String, Option<Vec<u8>>)>,
    /// The number of the last piece of news.
    pub(super) stream_id: i64,
}

/// The news of users here whose devices or identity changed after `after` up to and including `upto`, for the servers that
/// share a room with them.
pub(super) async fn changes(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    after: StreamPos,
    upto: StreamPos,
) -> Result<Vec<Told>> {
    let mut changed = tx.device_list_stream(after, upto).await?;
    changed.retain(|(user, _)| server.is_local(user));
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<OwnedUserId> = changed.iter().map(|(user, _)| user.clone()).collect();
    let mut news = Vec::new();
    let destinations = tx.room_servers_of_each(&users, server.name()).await?;
    for ((user_id, pos), mut destinations) in changed.into_iter().zip(destinations) {
        destinations.retain(|destination| server.keeps_news_for(destination));
        if !destinations.is_empty() {
            news.extend(of_user(tx, user_id, pos, destinations).await?);
        }
    }
    Ok(news)
}

async fn of_user(
    tx: &mut Tx<'_>,
    user_id: OwnedUserId,
    pos: StreamPos,
    destinations: Vec<OwnedServerName>,
) -> Result<Option<Told>> {
    let (told, last) = tx.told_devices(&user_id).await?;
    let told: HashMap<String, Vec<u8>> = told.into_iter().collect();
    let wanted = BTreeMap::from([(user_id.clone(), Vec::new())]);
    let keys = query_keys::read(tx, &user_id, wanted).await?;

    let mut devices: BTreeMap<String, Value> = BTreeMap::new();
    for (device_id, keys) in keys.devices.into_values().flatten() {
        let mut keys: Value = serde_json::from_str(keys.json().get())?;
        // What somebody calls their devices is for this server's people.
        if let Some(keys) = keys.as_object_mut() {
            keys.remove("unsigned");
        }
        devices.insert(device_id.to_string(), keys);
    }
    let mut identity = json!({ "user_id": user_id });
    for (name, key) in [
        ("master_key", keys.master.get(&user_id)),
        ("self_signing_key", keys.self_signing.get(&user_id)),
    ] {
        if let Some(key) = key {
            identity[name] = serde_json::from_str(key.json().get())?;
        }
    }

    let mut news = Told {
        destinations,
        edus: Vec::new(),
        hashes: Vec::new(),
        stream_id: last.unwrap_or(0),
        user_id,
    };
    let mut previous = last;
    let gone = told
        .keys()
        .filter(|device| !device.is_empty() && !devices.contains_key(*device));
    let gone: Vec<(String, Option<Value>)> = gone.map(|device| (device.clone(), None)).collect();
    let there = devices.into_iter().map(|(device, keys)| (device, Some(keys)));
    for (device_id, keys) in there.chain(gone) {
        let hash = keys.as_ref().map(hash);
        if hash.is_some() && told.get(&device_id) == hash.as_ref() {
            continue;
        }
        let stream_id = (news.stream_id + 1).max(pos.0);
        let mut content = json!({
            "user_id": news.user_id,
            "device_id": device_id,
            "stream_id": stream_id,
            "prev_id": previous.into_iter().collect::<Vec<i64>>(),
        });
        match keys {
            Some(keys) => content["keys"] = keys,
            None => content["deleted"] = true.into(),
        }
        news.push(
            format!("device {} {device_id}", news.user_id),
            "m.device_list_update",
            content,
        );
        news.hashes.push((device_id, hash));
        news.stream_id = stream_id;
        previous = Some(stream_id);
    }
    let identity_hash = hash(&identity);
    if identity.get("master_key").is_some() && told.get("") != Some(&identity_hash) {
        news.push(
            format!("identity {}", news.user_id),
            "m.signing_key_update",
            identity,
        );
        news.hashes.push((String::new(), Some(identity_hash)));
    }
    Ok((!news.edus.is_empty()).then_some(news))
}

impl Told {
    fn push(&mut self, subject: String, kind: &str, content: Value) {
        let edu = json!({ "edu_type": kind, "content": content });
        self.edus.push((subject, edu.to_string()));
    }
}

fn hash(value: &Value) -> Vec<u8> {
    Sha256::digest(value.to_string()).to_vec()
}
