//! Key backups, on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Map, Value, json};

use crate::signing::{refusal, refused};

const VERSION: &str = "/_matrix/client/v3/room_keys/version";
const KEYS: &str = "/_matrix/client/v3/room_keys/keys";
const ROOM: &str = "!room:test.example";
/// As session ids are: base64, with everything that means something in an address.
const SESSION: &str = "ab/cd+ef=%2F";

fn algorithm() -> Value {
    json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "abc", "signatures": { "@alice:test.example": { "ed25519:X": "sig" } } },
    })
}

fn key(first_message_index: i64, forwarded_count: i64, is_verified: bool) -> Value {
    json!({
        "first_message_index": first_message_index,
        "forwarded_count": forwarded_count,
        "is_verified": is_verified,
        "session_data": { "ephemeral": "e", "ciphertext": format!("{first_message_index}"), "mac": "m" },
    })
}

async fn backup(user: &User) -> String {
    let (status, answer) = user.post(VERSION, algorithm()).await;
    assert_eq!(status, 200, "{answer}");
    answer["version"].as_str().expect("a version").to_owned()
}

fn all(version: &str) -> String {
    format!("{KEYS}?version={version}")
}

fn room(room: &str, version: &str) -> String {
    format!("{KEYS}/{}?version={version}", enc(room))
}

fn session(room: &str, session: &str, version: &str) -> String {
    format!("{KEYS}/{}/{}?version={version}", enc(room), enc(session))
}

async fn good(answer: impl Future<Output = (u16, Value)>) -> Value {
    let (status, answer) = answer.await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_backup_is_made_described_changed_and_removed() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let none = refused(404, "M_NOT_FOUND");
        assert_eq!(refusal(alice.get(VERSION).await), none);
        let first = backup(&alice).await;
        let mut expected = algorithm();
        for (field, value) in [
            ("count", json!(0)),
            ("etag", json!("0")),
            ("version", json!(first)),
        ] {
            expected[field] = value;
        }
        let path = format!("{VERSION}/{first}");
        assert_eq!(good(alice.get(VERSION)).await, expected);
        assert_eq!(good(alice.get(&path)).await, expected);

        let mut other = algorithm();
        other["auth_data"]["public_key"] = "xyz".into();
        other["version"] = first.as_str().into();
        assert_eq!(good(alice.put(&path, other.clone())).await, json!({}));
        assert_eq!(good(alice.get(&path)).await["auth_data"]["public_key"], "xyz");
        let param = refused(400, "M_INVALID_PARAM");
        other["version"] = "99".into();
        assert_eq!(refusal(alice.put(&path, other.clone()).await), param);
        other["version"] = first.as_str().into();
        other["algorithm"] = "m.other".into();
        assert_eq!(refusal(alice.put(&path, other).await), param);

        let second = backup(&alice).await;
        assert_ne!(first, second);
        assert_eq!(good(alice.get(VERSION)).await["version"], second.as_str());
        let path = format!("{VERSION}/{second}");
        for _ in 0..2 {
            assert_eq!(good(alice.delete(&path)).await, json!({}));
        }
        assert_eq!(refusal(alice.get(&path).await), none);
        assert_eq!(refusal(alice.put(&path, algorithm()).await), none);
        assert_eq!(good(alice.get(VERSION)).await["version"], first.as_str());
        assert_ne!(backup(&alice).await, second);
        for unknown in ["99", "x", "-1", "1%2F2"] {
            assert_eq!(refusal(alice.get(&format!("{VERSION}/{unknown}")).await), none);
            assert_eq!(refusal(alice.delete(&format!("{VERSION}/{unknown}")).await), none);
        }
    })
    .await;
}

#[tokio::test]
async fn keys_are_written_and_read_by_session_by_room_and_all_together() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let version = backup(&alice).await;
        let mark = good(alice.put(&session(ROOM, SESSION, &version), key(0, 0, true))).await;
        assert_eq!(mark["count"], 1);
        let sessions = json!({ "sessions": { "two": key(1, 0, false), "three": key(2, 0, false) } });
        let mark = good(alice.put(&room(ROOM, &version), sessions)).await;
        assert_eq!(mark["count"], 3);
        let rooms =
            json!({ "rooms": { "!other:test.example": { "sessions": { (SESSION): key(3, 1, false) } } } });
        let mark = good(alice.put(&all(&version), rooms.clone())).await;
        assert_eq!(mark["count"], 4);
        let described = good(alice.get(VERSION)).await;
        assert_eq!(
            (&described["count"], &described["etag"]),
            (&mark["count"], &mark["etag"])
        );

        assert_eq!(
            good(alice.get(&session(ROOM, SESSION, &version))).await,
            key(0, 0, true)
        );
        let of_room =
            json!({ (SESSION): key(0, 0, true), "two": key(1, 0, false), "three": key(2, 0, false) });
        assert_eq!(
            good(alice.get(&room(ROOM, &version))).await,
            json!({ "sessions": of_room })
        );
        let mut expected = rooms;
        expected["rooms"][ROOM] = json!({ "sessions": of_room });
        assert_eq!(good(alice.get(&all(&version))).await, expected);

        // What isn't there.
        assert_eq!(
            good(alice.get(&room("!empty:test.example", &version))).await,
            json!({ "sessions": {} })
        );
        let none = refused(404, "M_NOT_FOUND");
        assert_eq!(refusal(alice.get(&session(ROOM, "four", &version)).await), none);
        for path in [
            all("99"),
            room(ROOM, "99"),
            session(ROOM, SESSION, "99"),
            all("x"),
        ] {
            assert_eq!(refusal(alice.get(&path).await), none, "{path}");
            assert_eq!(refusal(alice.delete(&path).await), none, "{path}");
        }

        let mark = good(alice.delete(&session(ROOM, SESSION, &version))).await;
        assert_eq!(mark["count"], 3);
        let again = good(alice.delete(&session(ROOM, SESSION, &version))).await;
        assert_eq!(again, mark);
        assert_eq!(good(alice.delete(&room(ROOM, &version))).await["count"], 1);
        assert_eq!(good(alice.delete(&all(&version))).await["count"], 0);
        assert_eq!(good(alice.get(&all(&version))).await, json!({ "rooms": {} }));
    })
    .await;
}

#[tokio::test]
async fn the_better_key_is_kept_and_only_changes_move_the_etag() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let version = backup(&alice).await;
        let path = session(ROOM, SESSION, &version);
        let mut etag = String::new();
        for (sent, is_kept) in [
            (key(5, 5, false), true),
            (key(5, 5, false), false),
            (key(6, 0, false), false),
            (key(5, 4, false), true),
            (key(4, 9, false), true),
            (key(9, 9, true), true),
            (key(0, 0, false), false),
            (key(9, 8, true), true),
        ] {
            let mark = good(alice.put(&path, sent.clone())).await;
            assert_eq!(mark["count"], 1);
            assert_eq!(mark["etag"] != etag.as_str(), is_kept, "{sent}");
            assert_eq!(
                good(alice.get(&path)).await == sent,
                is_kept || sent == key(5, 5, false),
                "{sent}"
            );
            etag = mark["etag"].as_str().expect("an etag").to_owned();
        }
    })
    .await;
}

#[tokio::test]
async fn keys_go_to_the_newest_version_only() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        assert_eq!(
            refusal(alice.put(&all("1"), json!({ "rooms": {} })).await),
            refused(404, "M_NOT_FOUND")
        );
        let first = backup(&alice).await;
        good(alice.put(&session(ROOM, SESSION, &first), key(0, 0, true))).await;
        let second = backup(&alice).await;
        for (path, body) in [
            (all(&first), json!({ "rooms": {} })),
            (room(ROOM, &first), json!({ "sessions": {} })),
            (session(ROOM, SESSION, &first), key(0, 0, true)),
        ] {
            let (status, answer) = alice.put(&path, body).await;
            assert_eq!(status, 403, "{answer}");
            assert_eq!(answer["errcode"], "M_WRONG_ROOM_KEYS_VERSION");
            assert_eq!(answer["current_version"], second.as_str());
        }
        // The old one can still be read.
        assert_eq!(
            good(alice.get(&session(ROOM, SESSION, &first))).await,
            key(0, 0, true)
        );
        assert_eq!(
            refusal(alice.get(&session(ROOM, SESSION, &second)).await),
            refused(404, "M_NOT_FOUND")
        );
    })
    .await;
}

#[tokio::test]
async fn backups_belong_to_their_user() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let version = backup(&alice).await;
        good(alice.put(&session(ROOM, SESSION, &version), key(0, 0, true))).await;
        let none = refused(404, "M_NOT_FOUND");
        assert_eq!(refusal(bob.get(VERSION).await), none);
        assert_eq!(refusal(bob.get(&all(&version)).await), none);
        assert_eq!(refusal(bob.delete(&format!("{VERSION}/{version}")).await), none);
        assert_eq!(
            refusal(bob.put(&session(ROOM, SESSION, &version), key(0, 0, true)).await),
            none
        );
        for path in [
            VERSION.to_owned(),
            all(&version),
            room(ROOM, &version),
            session(ROOM, SESSION, &version),
        ] {
            assert_eq!(
                refusal(server.get(&path, None).await),
                refused(401, "M_MISSING_TOKEN")
            );
        }
        assert_eq!(
            good(alice.get(&all(&version))).await["rooms"]
                .as_object()
                .map(Map::len),
            Some(1)
        );
    })
    .await;
}

#[tokio::test]
async fn malformed_and_oversized_backups_are_refused() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let json = refused(400, "M_BAD_JSON");
        let large = refused(413, "M_TOO_LARGE");
        for (name, body, expected) in [
            ("nothing", json!({}), &json),
            ("no object", json!({ "algorithm": "x", "auth_data": 1 }), &json),
            (
                "no name",
                json!({ "algorithm": "", "auth_data": {} }),
                &refused(400, "M_INVALID_PARAM"),
            ),
            (
                "too large",
                json!({ "algorithm": "x", "auth_data": { "x": "x".repeat(70_000) } }),
                &large,
            ),
        ] {
            assert_eq!(&refusal(alice.post(VERSION, body).await), expected, "{name}");
        }
        let version = backup(&alice).await;
        let path = session(ROOM, SESSION, &version);
        let with = |field: &str, value: Value| {
            let mut key = key(0, 0, true);
            key[field] = value;
            key
        };
        for (name, body, expected) in [
            ("a negative index", with("first_message_index", json!(-1)), &json),
            (
                "a huge index",
                with("first_message_index", json!(9_007_199_254_740_992_u64)),
                &json,
            ),
            ("a fraction", with("forwarded_count", json!(0.5)), &json),
            ("no flag", with("is_verified", json!("yes")), &json),
            ("no data", with("session_data", Value::Null), &json),
            ("no object", with("session_data", json!("secret")), &json),
            (
                "too large",
                with("session_data", json!({ "x": "x".repeat(70_000) })),
                &large,
            ),
        ] {
            assert_eq!(&refusal(alice.put(&path, body).await), expected, "{name}");
        }
        let long = session(ROOM, &"x".repeat(256), &version);
        assert_eq!(
            refusal(alice.put(&long, key(0, 0, true)).await),
            refused(400, "M_INVALID_PARAM")
        );
        assert_eq!(
            refusal(
                alice
                    .put(
                        &format!("{KEYS}/{}?version={version}", enc("room")),
                        json!({ "sessions": {} })
                    )
                    .await
            )
            .0,
            400
        );
        assert_eq!(refusal(alice.get(KEYS).await).0, 400);
        let nobody_needs_this: Map<String, Value> =
            (0..5_001).map(|n| (format!("s{n}"), key(0, 0, true))).collect();
        let answer = alice
            .put(&room(ROOM, &version), json!({ "sessions": nobody_needs_this }))
            .await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));
        assert_eq!(good(alice.get(VERSION)).await["count"], 0);
    })
    .await;
}

#[tokio::test]
async fn writers_at_once_lose_no_key_and_count_right() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let version = backup(&alice).await;
        let write = async |number: usize| {
            let sessions =
                json!({ "sessions": { (format!("s{number}")): key(0, 0, true), "shared": key(0, 0, true) } });
            good(alice.put(&room(ROOM, &version), sessions)).await
        };
        futures_util::future::join_all((0..50).map(write)).await;
        let described = good(alice.get(VERSION)).await;
        assert_eq!(described["count"], 51);
        assert_eq!(described["etag"], "50");
        assert_eq!(
            good(alice.get(&room(ROOM, &version))).await["sessions"]
                .as_object()
                .map(Map::len),
            Some(51)
        );
    })
    .await;
}
