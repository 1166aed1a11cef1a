//! The public keys of other servers: kept, and fetched from the server itself when they are missing or old.
//!
//! No notary is asked: a server that can't be reached can't be believed either. A key is only taken when the document
//! it stands in is signed with it.
//!
//! Where this server goes by a signed roster, the keys are those that it says, and none is fetched.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use rohrpost_store::{ServerKeyRow, Tx, Work};
use rohrpost_trust::roster::SigningKey;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OwnedServerName, ServerName,
    api::federation::discovery::{ServerSigningKeys, get_server_keys},
    serde::Base64,
    signatures::{PublicKeyMap, PublicKeySet, verify_json},
};

use crate::{
    Refusal, Result, Server,
    federation::{Partners, own_keys},
};

/// For how long a key is good after it was fetched, whatever its server says: a week.
///
/// "Servers MUST use the lesser of this field and 7 days into the future."
const MAX_VALIDITY_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Pause after a server was asked for its keys, whether it answered or not: who names keys that aren't there doesn't
/// make this server ask again and again.
const PAUSE_MS: i64 = 60 * 1000;
/// Keys that are taken out of one document.
const MAX_KEYS: usize = 50;
/// Servers for which it is remembered when they were asked.
const MAX_SERVERS: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");

/// When servers were asked for their keys. One question to a server at a time.
pub(crate) struct ServerKeys(Mutex<LruCache<OwnedServerName, Asked>>);

/// When a server was asked last, in ms since the epoch.
type Asked = Arc<tokio::sync::Mutex<Option<i64>>>;

impl Default for ServerKeys {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_SERVERS)))
    }
}

impl ServerKeys {
    fn asked(&self, name: &ServerName) -> Asked {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.get_or_insert(name.to_owned(), Asked::default))
    }
}

/// The keys of a server that are good for something signed at `at_ts`. Asks the server if a wanted one isn't among
/// those that are known.
///
/// # Errors
/// Only those of the store. A server that doesn't answer has the keys that are known of it, or none.
pub(crate) async fn keys_at(
    server: &Arc<Server>,
    name: &ServerName,
    wanted: &[String],
    at_ts: i64,
) -> Result<PublicKeySet> {
    if name == server.name() {
        return own_keys::public(server).await;
    }
    if let Some(pinned) = KnownKeys::pinned(server, name) {
        return Ok(pinned.at(at_ts));
    }
    let known = known(server, name, at_ts).await?;
    let is_enough = |keys: &PublicKeySet| wanted.iter().all(|key_id| keys.contains_key(key_id));
    if is_enough(&known) {
        return Ok(known);
    }
    let asked = server.server_keys.asked(name);
    let mut asked_ts = asked.lock().await;
    let now_ts = server.now_ts();
    if asked_ts.is_some_and(|ts| now_ts < ts + PAUSE_MS) {
        return self::known(server, name, at_ts).await;
    }
    *asked_ts = Some(now_ts);
    let answer = server
        .ask_unsigned(name, get_server_keys::v2::Request::new())
        .await;
    let document = match answer {
        Ok(answer) => answer.server_key,
        Err(error) => {
            tracing::debug!(%error, "the keys of a server can't be fetched");
            return Ok(known);
        }
    };
    let Some(keys) = read(name, document.json().get(), now_ts) else {
        tracing::debug!("the keys of a server aren't signed as they must be");
        return Ok(known);
    };
    let unit = Keep {
        name: name.to_owned(),
        keys,
        now_ts,
    };
    server.store.write(unit).await?;
    self::known(server, name, at_ts).await
}

async fn known(server: &Arc<Server>, name: &ServerName, at_ts: i64) -> Result<PublicKeySet> {
    Ok(KnownKeys::of(server, name).await?.at(at_ts))
}

/// Keys of a server, each good for some time.
pub(crate) struct KnownKeys(Vec<KnownKey>);

/// A key and what it is good for: what was signed within these times, both included, ms since the epoch.
struct KnownKey {
    id: String,
    key: Base64,
    from_ts: i64,
    until_ts: i64,
}

impl KnownKeys {
    /// All that are known, of this server its own.
    pub(crate) async fn of(server: &Arc<Server>, name: &ServerName) -> Result<Self> {
        if name == server.name() {
            let always = |(id, key)| KnownKey {
                id,
                key,
                from_ts: 0,
                until_ts: i64::MAX,
            };
            let own = own_keys::public(server).await?;
            return Ok(Self(own.into_iter().map(always).collect()));
        }
        if let Some(pinned) = Self::pinned(server, name) {
            return Ok(pinned);
        }
        let name = name.to_owned();
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.server_key_list(&name).await?) }));
        let rows = reading.await?.into_iter();
        let parse = |row: ServerKeyRow| {
            Some(KnownKey {
                id: row.key_id,
                key: Base64::parse(row.public_key).ok()?,
                from_ts: 0,
                until_ts: row.valid_until_ts,
            })
        };
        Ok(Self(rows.filter_map(parse).collect()))
    }

    /// The keys that the roster has for a server, where this server goes by one: these and no others, whatever the server
    /// or anybody else publishes; none for a server that it doesn't name.
    fn pinned(server: &Server, name: &ServerName) -> Option<Self> {
        let Partners::Roster(_) = server.settings.federation.partners else {
            return None;
        };
        let known = |key: &SigningKey| KnownKey {
            id: key.id.to_string(),
            key: Base64::new(key.key.as_bytes().to_vec()),
            from_ts: key.not_before.map_or(0, |from| from.0.into()),
            until_ts: key.not_after.map_or(i64::MAX, |end| i64::from(end.0) - 1),
        };
        let keys = server.roster.keys(name);
        Some(Self(keys.iter().map(known).collect()))
    }

    /// Those that are good for something signed at `at_ts`.
    pub(crate) fn at(&self, at_ts: i64) -> PublicKeySet {
        let good = self.0.iter();
        let good = good.filter(|known| known.from_ts <= at_ts && at_ts <= known.until_ts);
        good.map(|known| (known.id.clone(), known.key.clone())).collect()
    }
}

struct Keep {
    name: OwnedServerName,
    keys: Vec<ServerKeyRow>,
    now_ts: i64,
}

impl Work for Keep {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(tx.server_key_put(&self.name, &self.keys, self.now_ts).await?)
    }
}

/// The keys of a document that a server published; `None` when it isn't one of this server, signed by it.
fn read(name: &ServerName, document: &str, now_ts: i64) -> Option<Vec<ServerKeyRow>> {
    let keys: ServerSigningKeys = serde_json::from_str(document).ok()?;
    if keys.server_name != *name {
        return None;
    }
    let mut object: CanonicalJsonObject = serde_json::from_str(document).ok()?;
    // Only the server's own signatures count; those of notaries would be in the way.
    let CanonicalJsonValue::Object(mut signatures) = object.remove("signatures")? else {
        return None;
    };
    let own = signatures.remove(name.as_str())?;
    object.insert(
        "signatures".to_owned(),
        CanonicalJsonObject::from([(name.to_string(), own)]).into(),
    );

    let valid_until_ts = i64::from(keys.valid_until_ts.0).min(now_ts + MAX_VALIDITY_MS);
    let current = keys.verify_keys.into_iter().take(MAX_KEYS);
    let rows: Vec<ServerKeyRow> = current
        .map(|(key_id, key)| (key_id.to_string(), key.key))
        .filter(|(key_id, key)| is_signed_with(name, &object, key_id, key))
        .map(|(key_id, key)| row(key_id, &key, valid_until_ts))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let old = keys.old_verify_keys.into_iter().take(MAX_KEYS);
    let old = old
        .filter(|(key_id, _)| rows.iter().all(|row| row.key_id != key_id.as_str()))
        .map(|(key_id, old)| row(key_id.to_string(), &old.key, i64::from(old.expired_ts.0)))
        .collect::<Vec<_>>();
    Some(rows.into_iter().chain(old).collect())
}

fn row(key_id: String, key: &Base64, valid_until_ts: i64) -> ServerKeyRow {
    ServerKeyRow {
        key_id,
        public_key: key.encode(),
        valid_until_ts,
    }
}

fn is_signed_with(name: &ServerName, object: &CanonicalJsonObject, key_id: &str, key: &Base64) -> bool {
    let key = PublicKeySet::from([(key_id.to_owned(), key.clone())]);
    verify_json(&PublicKeyMap::from([(name.to_string(), key)]), object).is_ok()
}

#[cfg(test)]
mod tests {
    use rohrpost_room::keys::{key_from_seed, verify_key};
    use ruma::{CanonicalJsonObject, server_name, signatures::sign_json};
    use serde_json::{Value, json};

    use super::{MAX_VALIDITY_MS, read};

    const NOW: i64 = 1_800_000_000_000;

    /// A document with one key, signed with it; `change` changes it before that.
    fn document(change: impl FnOnce(&mut Value)) -> Value {
        let key = key_from_seed(&[7; 32], "a1").unwrap();
        let mut document = json!({
            "server_name": "b.example",
            "verify_keys": { "ed25519:a1": { "key": verify_key(&key) } },
            "old_verify_keys": {},
            "valid_until_ts": NOW + 1000,
        });
        change(&mut document);
        let mut object: CanonicalJsonObject = serde_json::from_value(document).unwrap();
        sign_json("b.example", &key, &mut object).unwrap();
        serde_json::to_value(object).unwrap()
    }

    fn until(document: &Value) -> Option<Vec<(String, i64)>> {
        let rows = read(server_name!("b.example"), &document.to_string(), NOW)?;
        Some(
            rows.into_iter()
                .map(|row| (row.key_id, row.valid_until_ts))
                .collect(),
        )
    }

    #[test]
    fn a_key_is_taken_out_of_a_document_that_is_signed_with_it() {
        let one = vec![("ed25519:a1".to_owned(), NOW + 1000)];
        assert_eq!(until(&document(|_| ())), Some(one));
        let far = document(|document| document["valid_until_ts"] = json!(NOW + 100 * MAX_VALIDITY_MS));
        assert_eq!(
            until(&far),
            Some(vec![("ed25519:a1".to_owned(), NOW + MAX_VALIDITY_MS)])
        );
    }

    #[test]
    fn a_key_without_a_signature_is_left_out() {
        let other = verify_key(&key_from_seed(&[8; 32], "x").unwrap());
        let two = document(|document| document["verify_keys"]["ed25519:b2"] = json!({ "key": other }));
        assert_eq!(until(&two), Some(vec![("ed25519:a1".to_owned(), NOW + 1000)]));
    }

    #[test]
    fn old_keys_end_when_the_document_says_and_dont_replace_current_ones() {
        let other = verify_key(&key_from_seed(&[8; 32], "x").unwrap());
        let old = document(|document| {
            document["old_verify_keys"] = json!({
                "ed25519:a1": { "key": other, "expired_ts": 5 },
                "ed25519:old": { "key": other, "expired_ts": 6 },
            });
        });
        let wanted = vec![
            ("ed25519:a1".to_owned(), NOW + 1000),
            ("ed25519:old".to_owned(), 6),
        ];
        assert_eq!(until(&old), Some(wanted));
    }

    #[test]
    fn documents_of_others_and_changed_ones_are_refused() {
        assert_eq!(
            until(&document(|document| document["server_name"] = json!("c.example"))),
            None
        );
        let mut changed = document(|_| ());
        changed["valid_until_ts"] = json!(NOW + 2000);
        assert_eq!(until(&changed), None);
        let mut unsigned = document(|_| ());
        unsigned["signatures"] = json!({});
        assert_eq!(until(&unsigned), None);
        assert_eq!(until(&json!({})), None);
        assert_eq!(until(&json!([])), None);
    }

    #[test]
    fn signatures_of_notaries_are_no_obstacle() {
        let mut seen = document(|_| ());
        seen["signatures"]["notary.example"] = json!({ "ed25519:n": "c2lnbmF0dXJl" });
        assert!(until(&seen).is_some());
    }
}
