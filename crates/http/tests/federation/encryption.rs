//! Keys of people of other servers.

use std::time::Duration;

use rohrpost_testkit::{Neighbours, Peer, Stranger, TestServer, User, enc};
use serde_json::{Value, json};

use crate::{
    pairs,
    signing::{Key, device_keys, device_keys_with},
};

const API: &str = "/_matrix/federation/v1/user";
const QUERY: &str = "POST /_matrix/federation/v1/user/keys/query";

/// A master key and a self-signing key.
struct Identity {
    master: Key,
    self_signing: Key,
}

impl Identity {
    fn new(seed: u8) -> Self {
        Self {
            master: Key::of_identity(seed),
            self_signing: Key::of_identity(seed + 1),
        }
    }

    fn wire(user: &User, key: &Key, usage: &str) -> Value {
        let public = key.public();
        json!({
            "user_id": user.id, "usage": [usage], "keys": { format!("ed25519:{public}"): public },
        })
    }

    fn master(&self, user: &User) -> Value {
        Self::wire(user, &self.master, "master")
    }

    fn self_signing(&self, user: &User) -> Value {
        self.master
            .sign(user, &Self::wire(user, &self.self_signing, "self_signing"))
    }
}

async fn upload(user: &User, body: Value) {
    let (status, answer) = user.post("/_matrix/client/v3/keys/upload", body).await;
    assert_eq!(status, 200, "{answer}");
}

async fn query(viewer: &User, users: &[&str]) -> Value {
    let wanted: serde_json::Map<_, _> = users.iter().map(|user| ((*user).to_owned(), json!([]))).collect();
    let (status, answer) = viewer
        .post("/_matrix/client/v3/keys/query", json!({ "device_keys": wanted }))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn claim(viewer: &User, owner: &User) -> Value {
    let wanted = json!({ owner.id.as_str(): { owner.device.as_str(): "signed_curve25519" } });
    let (status, answer) = viewer
        .post(
            "/_matrix/client/v3/keys/claim",
            json!({ "one_time_keys": wanted }),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    answer["one_time_keys"][owner.id.as_str()][owner.device.as_str()].clone()
}

/// Puts a user of another server into a room of `host`'s.
async fn share(host: &User, guest: &User) -> String {
    let room = host.create_room(json!({ "preset": "public_chat" })).await;
    let peer = Peer::of(&guest.server).await;
    peer.join(&host.server, &room, &guest.id).await;
    room
}

#[tokio::test]
async fn keys_of_people_elsewhere_are_asked_of_their_server() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        share(&berta, &anna).await;
        let keys = device_keys(&berta);
        let one_time = |number: u32| {
            let key = json!({ "key": format!("key{number}") });
            Key::of_device(berta.device.as_str(), 1).sign(&berta, &key)
        };
        let one_time = json!({ "signed_curve25519:A": one_time(1), "signed_curve25519:B": one_time(2) });
        upload(&berta, json!({ "device_keys": keys, "one_time_keys": one_time })).await;
        let identity = Identity::new(10);
        let body = json!({
            "master_key": identity.master(&berta), "self_signing_key": identity.self_signing(&berta),
        });
        let (status, answer) = berta
            .post("/_matrix/client/v3/keys/device_signing/upload", body)
            .await;
        assert_eq!(status, 200, "{answer}");

        let found = query(&anna, &[berta.id.as_str()]).await;
        let (id, device) = (berta.id.as_str(), berta.device.as_str());
        assert_eq!(
            found["device_keys"][id][device], keys,
            "without the name of the device"
        );
        assert_eq!(found["master_keys"][id]["keys"], identity.master(&berta)["keys"]);
        assert_eq!(found["self_signing_keys"][id], identity.self_signing(&berta));
        assert!(found.get("failures").is_none(), "{found}");

        // Handed out once, whoever asks.
        let first = claim(&anna, &berta).await;
        assert_eq!(first["signed_curve25519:A"], one_time["signed_curve25519:A"]);
        assert_eq!(
            claim(&berta, &berta).await["signed_curve25519:B"],
            one_time["signed_curve25519:B"]
        );
        assert_eq!(claim(&anna, &berta).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_of_people_with_whom_a_server_shares_no_room() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let carl = one.user("carl").await;
        upload(&anna, json!({ "device_keys": device_keys(&anna) })).await;
        let peer = Peer::of(&other).await;
        let devices = |user: &str| format!("{API}/devices/{}", enc(user));
        let nobody = format!("@nobody:{}", one.name());
        let refused = peer.get(&one, &devices(&nobody)).await;
        assert_eq!(refused.0, 404);
        assert_eq!(peer.get(&one, &devices(anna.id.as_str())).await, refused);
        let wanted = json!({ "device_keys": { anna.id.as_str(): [], berta.id.as_str(): [], nobody: [] } });
        let query = format!("{API}/keys/query");
        assert_eq!(
            peer.post(&one, &query, wanted.clone()).await.1["device_keys"],
            json!({})
        );
        let claim =
            json!({ "one_time_keys": { anna.id.as_str(): { anna.device.as_str(): "signed_curve25519" } } });
        let claimed = peer.post(&one, &format!("{API}/keys/claim"), claim).await;
        assert_eq!(claimed, (200, json!({ "one_time_keys": {} })));

        let room = share(&anna, &berta).await;
        carl.join(&room).await;
        let (status, list) = peer.get(&one, &devices(anna.id.as_str())).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(list["devices"][0]["keys"], device_keys(&anna));
        assert!(list["devices"][0].get("device_display_name").is_none());
        let (_, told) = peer.post(&one, &query, wanted.clone()).await;
        assert_eq!(
            told["device_keys"].as_object().map(serde_json::Map::len),
            Some(1),
            "{told}"
        );
        anna.leave(&room).await;
        assert_eq!(peer.get(&one, &devices(anna.id.as_str())).await, refused);
        assert_eq!(peer.post(&one, &query, wanted).await.1["device_keys"], json!({}));
    })
    .await;
}

/// A server on each engine, and somebody else's, whose user is the other of the two.
async fn each(test: impl AsyncFn(&User, &Stranger, User)) {
    let neighbours = Neighbours::new();
    for server in [Some(neighbours.sqlite().await), neighbours.postgres().await] {
        let Some(server) = server else { return };
        let stranger = neighbours.stranger().await;
        let anna = server.user("anna").await;
        let eva = User {
            id: stranger.user("eva").try_into().expect("a user id"),
            device: "EVA".into(),
            ..anna.clone()
        };
        test(&anna, &stranger, eva).await;
        server.close().await;
    }
}

/// Puts the stranger's user into a room with Anna.
async fn come(stranger: &Stranger, server: &TestServer, anna: &User, eva: &User) {
    let room = anna.create_room(json!({ "preset": "public_chat" })).await;
    let path = format!(
        "/_matrix/federation/v1/make_join/{}/{}?ver=10&ver=11&ver=12",
        enc(&room),
        enc(eva.id.as_str())
    );
    let (status, made) = stranger.ask(server, "GET", &path, None).await;
    assert_eq!(status, 200, "{made}");
    let (id, event) = stranger.sign_event(
        made["room_version"].as_str().expect("a version"),
        made["event"].clone(),
    );
    let path = format!("/_matrix/federation/v2/send_join/{}/{}", enc(&room), enc(&id));
    let (status, told) = stranger.ask(server, "PUT", &path, Some(event)).await;
    assert_eq!(status, 200, "{told}");
}

#[tokio::test]
async fn keys_are_kept_while_a_room_is_shared_and_for_a_day_at_most() {
    each(async |anna, stranger, eva| {
        let id = eva.id.as_str();
        let told = json!({ "device_keys": { id: { "EVA": device_keys(&eva) } } });
        stranger.answers(QUERY, told);
        let asked = || stranger.asked(QUERY).len();
        for number in 1..=2 {
            let found = query(anna, &[id]).await;
            assert_eq!(found["device_keys"][id]["EVA"], device_keys(&eva));
            assert_eq!(asked(), number, "no room is shared");
        }
        come(stranger, &anna.server, anna, &eva).await;
        for _ in 0..3 {
            let found = query(anna, &[id]).await;
            assert_eq!(found["device_keys"][id]["EVA"], device_keys(&eva));
            assert_eq!(asked(), 3);
        }
        let news = json!({ "user_id": id, "device_id": "EVA", "stream_id": 5, "prev_id": [] });
        stranger.edu(&anna.server, "m.device_list_update", news).await;
        query(anna, &[id]).await;
        assert_eq!(asked(), 4, "something changed");
        query(anna, &[id]).await;
        assert_eq!(asked(), 4);
        anna.server.clock().advance(Duration::from_secs(24 * 60 * 60 + 1));
        query(anna, &[id]).await;
        assert_eq!(asked(), 5);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_of_that_person_or_not_signed_is_left_out() {
    each(async |anna, stranger, eva| {
        let id = eva.id.as_str();
        let identity = Identity::new(20);
        let good = device_keys(&eva);
        let mut of_anna = device_keys(anna);
        of_anna["device_id"] = json!("EVA");
        let mut altered = good.clone();
        altered["algorithms"] = json!([]);
        let mut unsigned = good.clone();
        unsigned["signatures"] = json!({});
        let mut padded = good.clone();
        padded["unsigned"] = json!({ "x": 1 });
        padded["signatures"][id]["ed25519:OTHER"] = json!("c2lnbmF0dXJl");
        padded["signatures"]["@x:y"] = json!({ "ed25519:Z": "c2lnbmF0dXJl" });
        let other = Key::of_device("EVA", 9);
        for bad in [
            of_anna,
            altered,
            unsigned,
            json!({}),
            json!("x"),
            json!({ "user_id": id, "device_id": "EVA" }),
        ] {
            let devices = json!({ id: { "EVA": bad } });
            stranger.answers(QUERY, json!({ "device_keys": devices }));
            let found = query(anna, &[id]).await;
            assert_eq!(found["device_keys"].get(id), Some(&json!({})), "{bad} {found}");
        }
        let devices = json!({
            id: { "EVA": padded, "OTHER": good, "THIRD": device_keys_with(&eva, &other) },
            anna.id.as_str(): { "EVIL": good }, "@x:other.example": { "EVA": good },
        });
        let forged = other.sign(
            &eva,
            &Identity::wire(&eva, &identity.self_signing, "self_signing"),
        );
        stranger.answers(
            QUERY,
            json!({
                "device_keys": devices,
                "master_keys": { id: identity.master(&eva), anna.id.as_str(): identity.master(anna) },
                "self_signing_keys": { id: forged },
            }),
        );
        let found = query(anna, &[id, anna.id.as_str()]).await;
        // With its own signature, and no other.
        assert_eq!(found["device_keys"][id], json!({ "EVA": good }));
        assert_eq!(found["device_keys"][anna.id.as_str()], json!({}));
        assert_eq!(
            found["device_keys"].as_object().map(serde_json::Map::len),
            Some(2)
        );
        assert_eq!(found["master_keys"], json!({ id: identity.master(&eva) }));
        assert!(found.get("self_signing_keys").is_none(), "{found}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_and_keeps_nobody_from_the_others() {
    each(async |anna, stranger, eva| {
        let id = eva.id.as_str();
        stranger.answers(
            QUERY,
            json!({ "device_keys": { id: { "EVA": device_keys(&eva) } } }),
        );
        upload(anna, json!({ "device_keys": device_keys(anna) })).await;
        let found = query(anna, &[id, anna.id.as_str(), "@x:127.0.0.1:1"]).await;
        assert_eq!(
            found["device_keys"].as_object().map(serde_json::Map::len),
            Some(2),
            "{found}"
        );
        let failures = found["failures"].as_object().expect("failures");
        assert_eq!(Vec::from_iter(failures.keys()), ["127.0.0.1:1"]);
        stranger.answers(QUERY, json!([]));
        let found = query(anna, &[id]).await;
        assert!(
            found["failures"].get(stranger.name().as_str()).is_some(),
            "{found}"
        );
        let wanted = json!({ "@x:127.0.0.1:1": { "X": "signed_curve25519" } });
        let (status, claimed) = anna
            .post(
                "/_matrix/client/v3/keys/claim",
                json!({ "one_time_keys": wanted }),
            )
            .await;
        assert_eq!(
            (status, &claimed["one_time_keys"]),
            (200, &json!({})),
            "{claimed}"
        );
        assert!(claimed["failures"].get("127.0.0.1:1").is_some(), "{claimed}");
    })
    .await;
}

#[tokio::test]
async fn somebody_elsewhere_is_verified_and_only_who_did_it_sees_that() {
    each(async |anna, stranger, eva| {
        let id = eva.id.as_str();
        let (theirs, master) = (Identity::new(30), Key::of_identity(40));
        let master_keys = json!({ id: theirs.master(&eva) });
        stranger.answers(QUERY, json!({ "device_keys": {}, "master_keys": master_keys }));
        come(stranger, &anna.server, anna, &eva).await;
        let user_signing = Key::of_identity(41);
        let body = json!({
            "master_key": Identity::wire(anna, &master, "master"),
            "user_signing_key": master.sign(anna, &Identity::wire(anna, &user_signing, "user_signing")),
        });
        let path = "/_matrix/client/v3/keys/device_signing/upload";
        assert_eq!(anna.post(path, body).await.0, 200);

        query(anna, &[id]).await;
        let signed = user_signing.sign(anna, &theirs.master(&eva));
        let path = "/_matrix/client/v3/keys/signatures/upload";
        let body = json!({ id: { theirs.master.public(): signed } });
        let (status, answer) = anna.post(path, body).await;
        assert_eq!((status, answer), (200, json!({})));
        let found = query(anna, &[id]).await;
        assert_eq!(found["master_keys"][id], signed);
        let carl = anna.server.user("carl").await;
        let found = query(&carl, &[id]).await;
        assert_eq!(found["master_keys"][id], theirs.master(&eva));
    })
    .await;
}
