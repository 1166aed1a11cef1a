//! What there is before a row is asked: people, rooms, keys, and things of somebody else.

use std::collections::BTreeMap;

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

use super::{around::Around, row::Who};
use crate::{
    bridge,
    signing::{device_key, device_keys},
};

/// The people and things that a row may name.
pub(super) struct World {
    pub(super) server: TestServer,
    pub(super) alice: User,
    pub(super) bob: User,
    pub(super) mallory: User,
    pub(super) admin: User,
    pub(super) names: BTreeMap<&'static str, String>,
}

/// The JSON of an answer that must be good.
pub(super) fn good((status, answer): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{answer}");
    answer
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const V3: &str = "/_matrix/client/v3";

/// A filter, a backup with a key, keys and data of a room: what each of the two owners has.
struct Things {
    filter: String,
    version: String,
}

async fn things(user: &User, room: &str, number: usize) -> Things {
    let id = enc(user.id.as_str());
    let filter = good(
        user.post(
            &format!("{V3}/user/{id}/filter"),
            json!({ "room": { "timeline": { "limit": number } } }),
        )
        .await,
    );
    let algorithm = json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": { "public_key": "abc" } });
    let version = good(user.post(&format!("{V3}/room_keys/version"), algorithm).await);
    let version = text(&version["version"]);
    let session = enc("ab/cd+ef");
    good(
        user.put(
            &format!("{V3}/room_keys/keys/{}/{session}?version={version}", enc(room)),
            session_key(),
        )
        .await,
    );
    for path in [
        format!("{V3}/user/{id}/account_data/org.example.mine"),
        format!("{V3}/user/{id}/rooms/{}/account_data/org.example.mine", enc(room)),
        format!("{V3}/user/{id}/rooms/{}/tags/u.mine", enc(room)),
    ] {
        good(user.put(&path, json!({ "order": 0.5 })).await);
    }
    good(
        user.put(
            &format!("{V3}/pushrules/global/content/mine"),
            json!({ "pattern": "cake", "actions": ["notify"] }),
        )
        .await,
    );
    good(
        user.put(
            &format!("{V3}/profile/{id}/org.example.mine"),
            json!({ "org.example.mine": 1 }),
        )
        .await,
    );
    Things {
        filter: text(&filter["filter_id"]),
        version,
    }
}

/// A key of a session as a client backs it up.
pub(super) fn session_key() -> Value {
    json!({
        "first_message_index": 1, "forwarded_count": 0, "is_verified": true,
        "session_data": { "ephemeral": "e", "ciphertext": "c", "mac": "m" },
    })
}

impl World {
    /// The world of a row, apart from that of others.
    pub(super) async fn new(server: &TestServer, around: &Around, number: usize) -> Self {
        let user = async |name: &str| server.user(&format!("{name}{number}")).await;
        let (alice, bob, mallory) = (user("alice").await, user("bob").await, user("mallory").await);
        let admin = server.administrator(&format!("admin{number}")).await;
        let alias = format!("town{number}");
        let room = alice
            .create_room(json!({ "preset": "private_chat", "invite": [bob.id], "room_alias_name": alias }))
            .await;
        bob.join(&room).await;
        let event = alice.send_text(&room, "hello").await;
        let reply = json!({ "msgtype": "m.text", "body": "in a thread",
            "m.relates_to": { "rel_type": "m.thread", "event_id": event } });
        bob.send(&room, "m.room.message", reply).await;
        alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "the topic" }))
            .await;
        let open = mallory
            .create_room(json!({ "preset": "public_chat", "visibility": "public" }))
            .await;
        let hidden_alias = format!("hidden{number}");
        let hidden = mallory
            .create_room(json!({ "preset": "private_chat", "room_alias_name": hidden_alias }))
            .await;
        let hidden_event = mallory.send_text(&hidden, "nobody sees this").await;
        let keys = json!({
            "device_keys": device_keys(&bob),
            "one_time_keys": { "signed_curve25519:A": device_key(&bob).sign(&bob, &json!({ "key": "a" })) },
        });
        good(bob.post(&format!("{V3}/keys/upload"), keys).await);
        // Mallory's second ones, so that their numbers are none of Alice's.
        let (mine, _, theirs) = (
            things(&alice, &room, 1).await,
            things(&mallory, &hidden, 1).await,
            things(&mallory, &hidden, 2).await,
        );
        let names = [
            ("number", number.to_string()),
            ("alice", alice.id.to_string()),
            ("bob", bob.id.to_string()),
            ("bobDevice", bob.device.to_string()),
            ("mallory", mallory.id.to_string()),
            ("openRoom", open),
            ("userId", alice.id.to_string()),
            ("roomId", room.clone()),
            ("roomIdOrAlias", room),
            ("eventId", event),
            ("roomAlias", format!("#{alias}:test.example")),
            ("deviceId", alice.device.to_string()),
            ("filterId", mine.filter),
            ("version", mine.version),
            ("sessionId", "ab/cd+ef".to_owned()),
            ("eventType", "m.room.message".to_owned()),
            ("stateKey", String::new()),
            ("txnId", "txn".to_owned()),
            ("type", "org.example.mine".to_owned()),
            ("tag", "u.mine".to_owned()),
            ("keyName", "org.example.mine".to_owned()),
            ("kind", "content".to_owned()),
            ("ruleId", "mine".to_owned()),
            ("receiptType", "m.read".to_owned()),
            ("relType", "m.thread".to_owned()),
            ("protocol", "irc".to_owned()),
            ("appserviceId", "bridge".to_owned()),
            ("networkId", "net".to_owned()),
            ("serverName", "test.example".to_owned()),
            ("fileName", "Plan.txt".to_owned()),
            ("idpId", "rohrpost".to_owned()),
            ("page", enc(&around.site.url("/page"))),
            ("noPage", enc(&around.site.url("/nothing"))),
            ("nothing:userId", "@nobody:test.example".to_owned()),
            ("nothing:roomId", "!nowhere:test.example".to_owned()),
            ("nothing:roomIdOrAlias", "!nowhere:test.example".to_owned()),
            ("nothing:eventId", "$nothing".to_owned()),
            ("nothing:roomAlias", format!("#nowhere{number}:test.example")),
            ("nothing:serverName", "nowhere.example".to_owned()),
            ("nothing:user_id", "@nobody:test.example".to_owned()),
            ("nothing:email", format!("stranger{number}@amt.example")),
            ("other:userId", mallory.id.to_string()),
            ("other:roomId", hidden.clone()),
            ("other:roomIdOrAlias", hidden.clone()),
            ("other:eventId", hidden_event.clone()),
            ("other:roomAlias", format!("#{hidden_alias}:test.example")),
            ("other:deviceId", mallory.device.to_string()),
            ("other:filterId", theirs.filter),
            ("other:version", theirs.version),
            ("nothing:room_id", "!nowhere:test.example".to_owned()),
            ("nothing:m.fully_read", "$nothing".to_owned()),
            ("nothing:m.read", "$nothing".to_owned()),
            ("other:room_id", hidden.clone()),
            ("other:m.fully_read", hidden_event.clone()),
            ("other:m.read", hidden_event.clone()),
            ("other:user_id", mallory.id.to_string()),
            ("other:appserviceId", "other".to_owned()),
        ];
        let names = names.into_iter().collect();
        Self {
            server: server.clone(),
            alice,
            bob,
            mallory,
            admin,
            names,
        }
    }

    /// Who asks.
    pub(super) fn token(&self, who: Who) -> Option<&str> {
        match who {
            Who::Alice => Some(&self.alice.token),
            Who::Bob => Some(&self.bob.token),
            Who::Admin => Some(&self.admin.token),
            Who::Service => Some(bridge::TOKEN),
            Who::Nobody => None,
        }
    }

    /// Gives something a name, or a name to something else.
    pub(super) fn put(&mut self, name: &'static str, value: String) {
        self.names.insert(name, value);
    }

    /// What is there by a name.
    pub(super) fn get(&self, name: &str) -> &str {
        self.names.get(name).map_or("", String::as_str)
    }

    /// What names nothing, and what names something of another, for a part of a path. Kinds of which others have none
    /// look twice at the first.
    pub(super) fn wrong(&self, part: &str) -> [String; 2] {
        let nothing = self.names.get(format!("nothing:{part}").as_str());
        let nothing = nothing.map_or("nothing", String::as_str).to_owned();
        let other = self.names.get(format!("other:{part}").as_str()).cloned();
        [nothing.clone(), other.unwrap_or(nothing)]
    }

    /// A text with the names in it replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.names {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }

    /// A body with the names in it replaced.
    pub(super) fn fill_body(&self, body: &Value) -> Value {
        match body {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_body(item)).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| (self.fill(key), self.fill_body(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}
