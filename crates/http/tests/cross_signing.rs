//! Identities and signatures, on both engines.

use std::collections::BTreeSet;

use rohrpost_testkit::{PASSWORD, TestServer, User};
use serde_json::{Value, json};

use crate::signing::{Key, device_key, device_keys_with, publish, query, refusal, refused};

const UPLOAD: &str = "/_matrix/client/v3/keys/device_signing/upload";
const SIGN: &str = "/_matrix/client/v3/keys/signatures/upload";

/// The keys of a user's identity.
pub(crate) struct Identity {
    master: Key,
    self_signing: Key,
    user_signing: Key,
}

impl Identity {
    /// Another seed is another identity.
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            master: Key::of_identity(seed),
            self_signing: Key::of_identity(seed + 1),
            user_signing: Key::of_identity(seed + 2),
        }
    }

    fn master_key(&self, user: &User) -> Value {
        wire(user, &self.master, "master")
    }

    /// The keys of a device with the identity's signature alone.
    pub(crate) fn sign_device(&self, user: &User, device: &Value) -> Value {
        self.self_signing.sign_alone(user, device)
    }

    pub(crate) fn body(&self, user: &User) -> Value {
        json!({
            "master_key": device_key(user).sign(user, &self.master_key(user)),
            "self_signing_key": self.master.sign(user, &wire(user, &self.self_signing, "self_signing")),
            "user_signing_key": self.master.sign(user, &wire(user, &self.user_signing, "user_signing")),
        })
    }
}

fn wire(user: &User, key: &Key, usage: &str) -> Value {
    let public = key.public();
    json!({ "user_id": user.id, "usage": [usage], "keys": { (format!("ed25519:{public}")): public } })
}

/// A user whose device and identity are published.
pub(crate) async fn with_identity(server: &TestServer, name: &str, seed: u8) -> (User, Identity, Value) {
    let user = server.user(name).await;
    let device = publish(&user).await;
    let identity = Identity::new(seed);
    let (status, answer) = user.post(UPLOAD, identity.body(&user)).await;
    assert_eq!((status, answer), (200, json!({})));
    (user, identity, device)
}

async fn sign(signer: &User, target: &User, name: &str, object: Value) -> Value {
    let body = json!({ (target.id.as_str()): { name: object } });
    let (status, answer) = signer.post(SIGN, body).await;
    assert_eq!(status, 200, "{answer}");
    answer["failures"][target.id.as_str()][name]["errcode"].clone()
}

fn signers(key: &Value, user: &User) -> BTreeSet<String> {
    let by_key = key["signatures"][user.id.as_str()].as_object();
    by_key
        .into_iter()
        .flat_map(|by_key| by_key.keys().cloned())
        .collect()
}

fn id(key: &Key) -> String {
    format!("ed25519:{}", key.public())
}

#[tokio::test]
async fn an_identity_is_seen_by_everybody_but_for_the_user_signing_key() {
    TestServer::each(async |server| {
        let (alice, identity, _) = with_identity(&server, "alice", 10).await;
        let bob = server.user("bob").await;
        let sent = identity.body(&alice);
        let of_alice = |found: &Value, what: &str| found[what][alice.id.as_str()].clone();
        for (viewer, is_owner) in [(&alice, true), (&bob, false)] {
            let found = query(viewer, &[&alice]).await;
            assert_eq!(of_alice(&found, "master_keys"), sent["master_key"]);
            assert_eq!(of_alice(&found, "self_signing_keys"), sent["self_signing_key"]);
            let user_signing = if is_owner {
                sent["user_signing_key"].clone()
            } else {
                Value::Null
            };
            assert_eq!(of_alice(&found, "user_signing_keys"), user_signing);
        }
    })
    .await;
}

#[tokio::test]
async fn only_replacing_an_identity_needs_a_password() {
    TestServer::each(async |server| {
        let (alice, identity, _) = with_identity(&server, "alice", 10).await;
        // The answer was lost; the same again.
        assert_eq!(alice.post(UPLOAD, identity.body(&alice)).await.0, 200);
        let since = alice.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();

        let mut other = Identity::new(20).body(&alice);
        let (status, answer) = alice.post(UPLOAD, other.clone()).await;
        assert_eq!(status, 401, "{answer}");
        assert_eq!(answer["flows"], json!([{ "stages": ["m.login.password"] }]));
        let session = answer["session"].clone();
        let confirmed = |password: &str, session: &Value| {
            json!({
                "type": "m.login.password", "session": session, "password": password,
                "identifier": { "type": "m.id.user", "user": alice.id },
            })
        };
        other["auth"] = confirmed("wrong", &session);
        assert_eq!(alice.post(UPLOAD, other.clone()).await.0, 401);
        let master = |found: &Value| found["master_keys"][alice.id.as_str()]["keys"].clone();
        assert_eq!(
            master(&query(&alice, &[&alice]).await),
            identity.master_key(&alice)["keys"]
        );

        // Confirmed for these keys is not confirmed for others.
        let mut third = Identity::new(30).body(&alice);
        third["auth"] = confirmed(PASSWORD, &session);
        assert_eq!(alice.post(UPLOAD, third).await.0, 401);

        let (_, answer) = alice.post(UPLOAD, Identity::new(20).body(&alice)).await;
        other["auth"] = confirmed(PASSWORD, &answer["session"]);
        assert_eq!(alice.post(UPLOAD, other.clone()).await, (200, json!({})));
        assert_eq!(
            master(&query(&alice, &[&alice]).await),
            Identity::new(20).master_key(&alice)["keys"]
        );
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(sync["device_lists"]["changed"], json!([alice.id]));
        other.as_object_mut().expect("an object").remove("auth");
        assert_eq!(alice.post(UPLOAD, other).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn another_key_beside_the_known_master_key_needs_a_password_too() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let identity = Identity::new(10);
        let body = json!({ "master_key": identity.master_key(&alice) });
        assert_eq!(alice.post(UPLOAD, body).await.0, 200);
        assert_eq!(alice.post(UPLOAD, identity.body(&alice)).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn malformed_identities_are_refused_and_leave_nothing() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        let identity = Identity::new(10);
        let good = identity.body(&alice);
        let with = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body
        };
        let mut tampered = good["self_signing_key"].clone();
        tampered["x"] = 1.into();
        let mut two_keys = identity.master_key(&alice);
        two_keys["keys"][id(&identity.self_signing)] = identity.self_signing.public().into();
        let mut misnamed = identity.master_key(&alice);
        misnamed["keys"] = json!({ (id(&identity.master)): identity.self_signing.public() });
        let forged = {
            let mut key = good["master_key"].clone();
            let other = Key::of_device(alice.device.as_str(), 9).sign_alone(&alice, &key);
            key["signatures"] = other["signatures"].clone();
            key
        };
        let own_key_twice = identity
            .master
            .sign(&alice, &wire(&alice, &identity.master, "self_signing"));

        let param = refused(400, "M_INVALID_PARAM");
        let signature = refused(400, "M_INVALID_SIGNATURE");
        for (name, body, expected) in [
            ("tampered", with("self_signing_key", tampered), &signature),
            (
                "unsigned",
                with(
                    "user_signing_key",
                    wire(&alice, &identity.user_signing, "user_signing"),
                ),
                &signature,
            ),
            ("forged device signature", with("master_key", forged), &signature),
            ("another user", Identity::new(10).body(&bob), &param),
            (
                "another usage",
                with("master_key", wire(&alice, &identity.master, "user_signing")),
                &param,
            ),
            ("two keys", with("master_key", two_keys), &param),
            ("misnamed", with("master_key", misnamed), &param),
            (
                "one key for two usages",
                with("self_signing_key", own_key_twice),
                &param,
            ),
            (
                "no object",
                with("master_key", json!("x")),
                &refused(400, "M_BAD_JSON"),
            ),
            (
                "no master key",
                json!({ "self_signing_key": good["self_signing_key"] }),
                &refused(400, "M_MISSING_PARAM"),
            ),
            ("nothing", json!({}), &refused(400, "M_MISSING_PARAM")),
        ] {
            assert_eq!(&refusal(alice.post(UPLOAD, body).await), expected, "{name}");
        }
        assert_eq!(
            refusal(server.post(UPLOAD, None, good).await),
            refused(401, "M_MISSING_TOKEN")
        );
        assert_eq!(query(&alice, &[&alice]).await.get("master_keys"), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_may_not_be_named_like_a_device() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let identity = Identity::new(10);
        let login = json!({
            "type": "m.login.password", "password": PASSWORD, "device_id": identity.master.public(),
            "identifier": { "type": "m.id.user", "user": alice.id },
        });
        assert_eq!(server.post("/_matrix/client/v3/login", None, login).await.0, 200);
        assert_eq!(
            refusal(alice.post(UPLOAD, identity.body(&alice)).await),
            refused(403, "M_FORBIDDEN")
        );
    })
    .await;
}

#[tokio::test]
async fn verified_signatures_are_kept_and_others_are_named() {
    TestServer::each(async |server| {
        let (alice, identity, device) = with_identity(&server, "alice", 10).await;
        let bob = server.user("bob").await;
        let name = alice.device.to_string();
        let invalid = json!("M_INVALID_SIGNATURE");

        // Wrong: of another key under the right name, over something else, of nobody known, of nobody at all.
        let signed = identity.self_signing.sign(&alice, &device);
        let mut forged = signed.clone();
        let by_other = identity.user_signing.sign_alone(&alice, &device);
        forged["signatures"][alice.id.as_str()][id(&identity.self_signing)] =
            by_other["signatures"][alice.id.as_str()][id(&identity.user_signing)].clone();
        assert_eq!(sign(&alice, &alice, &name, forged).await, invalid);
        let mut other = device.clone();
        other["algorithms"] = json!(["m.other"]);
        let other = identity.self_signing.sign_alone(&alice, &other);
        assert_eq!(sign(&alice, &alice, &name, other).await, invalid);
        assert_eq!(sign(&alice, &alice, &name, by_other).await, invalid);
        let mut unsigned = device.clone();
        unsigned.as_object_mut().expect("an object").remove("signatures");
        assert_eq!(sign(&alice, &alice, &name, unsigned).await, invalid);
        assert_eq!(
            sign(&alice, &alice, "GHOST", signed.clone()).await,
            json!("M_NOT_FOUND")
        );
        assert_eq!(
            sign(&alice, &bob, bob.device.as_str(), signed.clone()).await,
            json!("M_NOT_FOUND")
        );
        let found = query(&bob, &[&alice]).await;
        let device_of = |found: &Value| found["device_keys"][alice.id.as_str()][&name].clone();
        assert_eq!(
            signers(&device_of(&found), &alice),
            BTreeSet::from([format!("ed25519:{name}")])
        );

        // Right, also without the signature that is there already, also twice.
        assert_eq!(
            sign(
                &alice,
                &alice,
                &name,
                identity.self_signing.sign_alone(&alice, &device)
            )
            .await,
            Value::Null
        );
        assert_eq!(sign(&alice, &alice, &name, signed).await, Value::Null);
        let found = query(&bob, &[&alice]).await;
        let expected = BTreeSet::from([format!("ed25519:{name}"), id(&identity.self_signing)]);
        assert_eq!(signers(&device_of(&found), &alice), expected);

        // Nobody signs for somebody else.
        let as_bob =
            json!({ (alice.id.as_str()): { &name: identity.self_signing.sign_alone(&alice, &device) } });
        let (_, answer) = bob.post(SIGN, as_bob).await;
        assert_eq!(
            answer["failures"][alice.id.as_str()][&name]["errcode"],
            "M_NOT_FOUND"
        );
        assert_eq!(
            refusal(server.post(SIGN, None, json!({})).await),
            refused(401, "M_MISSING_TOKEN")
        );
        assert_eq!(refusal(alice.post(SIGN, json!({ "alice": {} })).await).0, 400);
        assert_eq!(alice.post(SIGN, json!({})).await, (200, json!({})));
    })
    .await;
}

#[tokio::test]
async fn a_new_device_signs_the_master_key() {
    TestServer::each(async |server| {
        let (alice, identity, _) = with_identity(&server, "alice", 10).await;
        let second = alice.another_device().await;
        publish(&second).await;
        let master = identity.master_key(&alice);
        let name = identity.master.public();
        let signed = device_key(&second).sign(&second, &master);
        assert_eq!(sign(&second, &alice, &name, signed).await, Value::Null);
        let found = query(&alice, &[&alice]).await;
        let expected = BTreeSet::from([
            format!("ed25519:{}", alice.device),
            format!("ed25519:{}", second.device),
        ]);
        assert_eq!(
            signers(&found["master_keys"][alice.id.as_str()], &alice),
            expected
        );
    })
    .await;
}

#[tokio::test]
async fn a_signature_on_somebody_else_is_seen_by_the_signer_alone() {
    TestServer::each(async |server| {
        let (alice, identity, _) = with_identity(&server, "alice", 10).await;
        let (bob, of_bob, _) = with_identity(&server, "bob", 20).await;
        let carol = server.user("carol").await;
        let second = alice.another_device().await;
        let room = alice
            .create_room(json!({ "preset": "private_chat", "invite": [bob.id, carol.id] }))
            .await;
        bob.join(&room).await;
        carol.join(&room).await;
        let since = async |user: &User| {
            user.sync(None).await["next_batch"]
                .as_str()
                .expect("a token")
                .to_owned()
        };
        let tokens = [since(&second).await, since(&bob).await, since(&carol).await];

        let master = of_bob.master_key(&bob);
        let by_alice = identity.user_signing.sign(&alice, &master);
        let name = of_bob.master.public();
        let wrong = identity.self_signing.sign(&alice, &master);
        assert_eq!(
            sign(&alice, &bob, &name, wrong).await,
            json!("M_INVALID_SIGNATURE")
        );
        assert_eq!(sign(&alice, &bob, &name, by_alice).await, Value::Null);
        for (viewer, is_seen) in [(&alice, true), (&bob, false), (&carol, false)] {
            let found = query(viewer, &[&bob]).await;
            let seen = signers(&found["master_keys"][bob.id.as_str()], &alice);
            assert_eq!(seen.contains(&id(&identity.user_signing)), is_seen);
        }
        let told =
            async |user: &User, since: &str| user.sync(Some(since)).await["device_lists"]["changed"].clone();
        assert_eq!(told(&second, &tokens[0]).await, json!([bob.id]));
        for (user, token) in [(&bob, &tokens[1]), (&carol, &tokens[2])] {
            let changed = told(user, token).await;
            assert!(changed.is_null() || changed == json!([]), "{changed}");
        }
    })
    .await;
}

#[tokio::test]
async fn signatures_do_not_outlive_the_keys_they_are_on_or_by() {
    TestServer::each(async |server| {
        let (alice, identity, device) = with_identity(&server, "alice", 10).await;
        let name = alice.device.to_string();
        let signed = identity.self_signing.sign_alone(&alice, &device);
        assert_eq!(sign(&alice, &alice, &name, signed).await, Value::Null);
        let of_device = async || {
            let found = query(&alice, &[&alice]).await;
            signers(&found["device_keys"][alice.id.as_str()][&name], &alice)
        };
        assert!(of_device().await.contains(&id(&identity.self_signing)));

        // The device publishes other keys: what was signed isn't there any more.
        let other = device_keys_with(&alice, &Key::of_device(&name, 2));
        let body = json!({ "device_keys": other });
        assert_eq!(alice.post("/_matrix/client/v3/keys/upload", body).await.0, 200);
        assert!(!of_device().await.contains(&id(&identity.self_signing)));

        // A device that was signed before it published its keys.
        let both = identity.self_signing.sign(&alice, &other);
        let body = json!({ "device_keys": both });
        assert_eq!(alice.post("/_matrix/client/v3/keys/upload", body).await.0, 200);
        assert!(of_device().await.contains(&id(&identity.self_signing)));

        // The identity is replaced: its signatures mean nothing any more.
        let mut body = Identity::new(20).body(&alice);
        body["master_key"] = Identity::new(20).master_key(&alice);
        let (_, answer) = alice.post(UPLOAD, body.clone()).await;
        body["auth"] = json!({
            "type": "m.login.password", "session": answer["session"], "password": PASSWORD,
            "identifier": { "type": "m.id.user", "user": alice.id },
        });
        let replaced = alice.post(UPLOAD, body).await;
        assert_eq!(replaced.0, 200, "{}", replaced.1);
        assert!(!of_device().await.contains(&id(&identity.self_signing)));
    })
    .await;
}
