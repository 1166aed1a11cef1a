//! Publishing, asking for and handing out keys, on both engines.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Map, Value, json};

use crate::{
    figures::{Figures, SYNCS_WAITING},
    signing::{Key, device_key, device_keys, device_keys_with, publish, query, refusal, refused},
};

const UPLOAD: &str = "/_matrix/client/v3/keys/upload";
const QUERY: &str = "/_matrix/client/v3/keys/query";
const CLAIM: &str = "/_matrix/client/v3/keys/claim";

fn one_time_key(user: &User, number: usize) -> Value {
    device_key(user).sign(user, &json!({ "key": format!("key{number}") }))
}

fn one_time_keys(user: &User, numbers: std::ops::Range<usize>) -> Value {
    let keys = numbers.map(|number| {
        (
            format!("signed_curve25519:K{number:05}"),
            one_time_key(user, number),
        )
    });
    Value::Object(keys.collect::<Map<_, _>>())
}

async fn upload(user: &User, body: Value) -> Value {
    let (status, answer) = user.post(UPLOAD, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Claims a key of a device; answers its id and itself.
async fn claim(claimer: &User, owner: &User) -> Option<(String, Value)> {
    let wanted =
        json!({ "one_time_keys": { (owner.id.as_str()): { (owner.device.as_str()): "signed_curve25519" } } });
    let (status, answer) = claimer.post(CLAIM, wanted).await;
    assert_eq!(status, 200, "{answer}");
    let keys = answer["one_time_keys"][owner.id.as_str()][owner.device.as_str()]
        .as_object()?
        .clone();
    assert_eq!(keys.len(), 1);
    keys.into_iter().next()
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

fn token(sync: &Value) -> String {
    sync["next_batch"].as_str().expect("a token").to_owned()
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn published_keys_are_answered_to_everybody_as_they_were_signed() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let keys = device_keys(&alice);
        let mut sent = keys.clone();
        sent["unsigned"] = json!({ "device_display_name": "forged" });
        sent["signatures"]["@mallory:test.example"] = json!({ "ed25519:X": "garbage" });
        let answer = upload(&alice, json!({ "device_keys": sent })).await;
        assert_eq!(
            answer,
            json!({ "one_time_key_counts": { "signed_curve25519": 0 } })
        );

        let path = format!("/_matrix/client/v3/devices/{}", enc(alice.device.as_str()));
        let (status, _) = alice.put(&path, json!({ "display_name": "Telefon" })).await;
        let mut expected = keys;
        if status == 200 {
            expected["unsigned"] = json!({ "device_display_name": "Telefon" });
        }
        let found = query(&bob, &[&alice]).await;
        assert_eq!(
            found["device_keys"][alice.id.as_str()],
            json!({ (alice.device.as_str()): expected })
        );
        // By name, and by the name of another device.
        for (device, count) in [(alice.device.as_str(), 1), ("OTHER", 0)] {
            let (_, found) = bob
                .post(QUERY, json!({ "device_keys": { (alice.id.as_str()): [device] } }))
                .await;
            assert_eq!(
                found["device_keys"][alice.id.as_str()].as_object().map(Map::len),
                Some(count)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_no_keys_is_answered_without_devices_and_strangers_are_missing() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let asked =
            json!({ (bob.id.as_str()): [], "@nobody:test.example": [], "@eve:elsewhere.example": [] });
        let (status, found) = alice.post(QUERY, json!({ "device_keys": asked })).await;
        assert_eq!(status, 200);
        assert_eq!(
            found["device_keys"],
            json!({ (bob.id.as_str()): {}, "@nobody:test.example": {} })
        );
        assert_eq!(found.get("failures").cloned().unwrap_or(json!({})), json!({}));
    })
    .await;
}

#[tokio::test]
async fn nothing_goes_without_a_token_or_with_a_malformed_body() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for path in [UPLOAD, QUERY, CLAIM] {
            assert_eq!(
                refusal(server.post(path, None, json!({})).await),
                refused(401, "M_MISSING_TOKEN")
            );
        }
        let no_list = json!({ "device_keys": { (alice.id.as_str()): "DEVICE" } });
        assert_eq!(
            refusal(alice.post(QUERY, no_list).await),
            refused(400, "M_BAD_JSON")
        );
        assert_eq!(
            refusal(alice.post(QUERY, json!({})).await),
            refused(400, "M_BAD_JSON")
        );
        assert_eq!(
            refusal(alice.post(QUERY, json!({ "device_keys": { "alice": [] } })).await).0,
            400
        );
        assert_eq!(
            refusal(alice.post(CLAIM, json!({ "one_time_keys": [] })).await),
            refused(400, "M_BAD_JSON")
        );
        assert_eq!(
            refusal(alice.post(UPLOAD, json!({ "device_keys": 1 })).await),
            refused(400, "M_BAD_JSON")
        );
    })
    .await;
}

#[tokio::test]
async fn device_keys_that_are_not_the_devices_own_are_refused() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let good = device_keys(&alice);
        let key = device_key(&alice);
        let changed = |field: &str, value: Value| {
            let mut object = good.clone();
            object[field] = value;
            key.sign_alone(&alice, &object)
        };
        let with_key = |name: &str, value: &str| {
            let mut object = good.clone();
            object["keys"][name] = value.into();
            key.sign_alone(&alice, &object)
        };
        let mut tampered = good.clone();
        tampered["algorithms"] = json!(["m.other"]);
        let mut unsigned = good.clone();
        unsigned["signatures"] = json!({});
        let by_other = Key::of_device(alice.device.as_str(), 9).sign_alone(&alice, &good);

        let param = refused(400, "M_INVALID_PARAM");
        let signature = refused(400, "M_INVALID_SIGNATURE");
        let json = refused(400, "M_BAD_JSON");
        for (name, keys, expected) in [
            ("another user", changed("user_id", bob.id.as_str().into()), &param),
            ("another device", changed("device_id", "OTHER".into()), &param),
            ("a key of another device", with_key("ed25519:OTHER", "x"), &param),
            (
                "a short key",
                with_key(&format!("curve25519:{}", alice.device), "AAAA"),
                &param,
            ),
            ("tampered", tampered, &signature),
            ("unsigned", unsigned, &signature),
            ("signed by another key", by_other, &signature),
            ("no algorithms", changed("algorithms", "all".into()), &json),
            (
                "a number that can't be signed",
                {
                    let mut o = good.clone();
                    o["x"] = json!(0.5);
                    o
                },
                &json,
            ),
            (
                "too large",
                changed("x", "x".repeat(70_000).into()),
                &refused(413, "M_TOO_LARGE"),
            ),
        ] {
            assert_eq!(
                &refusal(alice.post(UPLOAD, json!({ "device_keys": keys })).await),
                expected,
                "{name}"
            );
        }
        let as_bob = refusal(bob.post(UPLOAD, json!({ "device_keys": good })).await);
        assert_eq!(as_bob, param);
        assert_eq!(
            query(&bob, &[&alice, &bob]).await["device_keys"][alice.id.as_str()],
            json!({})
        );

        // Algorithms that this server doesn't know are the clients' business.
        let future = changed("algorithms", json!(["m.megolm.v9"]));
        upload(&alice, json!({ "device_keys": future })).await;
    })
    .await;
}

#[tokio::test]
async fn others_hear_of_new_device_keys_once() {
    TestServer::each(async |server| {
        let (alice, bob, _room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let (of_bob, of_carol) = (token(&bob.sync(None).await), token(&carol.sync(None).await));
        publish(&alice).await;
        let sync = bob.sync(Some(&of_bob)).await;
        assert_eq!(
            strings(&sync["device_lists"]["changed"]),
            BTreeSet::from([alice.id.to_string()])
        );
        let carols = carol.sync(Some(&of_carol)).await;
        assert!(strings(&carols["device_lists"]["changed"]).is_empty());

        publish(&alice).await;
        let again = bob.sync(Some(&token(&sync))).await;
        assert!(strings(&again["device_lists"]["changed"]).is_empty());

        let other_key = Key::of_device(alice.device.as_str(), 2);
        upload(
            &alice,
            json!({ "device_keys": device_keys_with(&alice, &other_key) }),
        )
        .await;
        let third = bob.sync(Some(&token(&again))).await;
        assert_eq!(
            strings(&third["device_lists"]["changed"]),
            BTreeSet::from([alice.id.to_string()])
        );
    })
    .await;
}

#[tokio::test]
async fn one_time_keys_are_handed_out_once_in_order_and_then_the_fallback_key() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        let later = one_time_keys(&alice, 0..1);
        let first = one_time_keys(&alice, 5..6);
        let mut fallback = one_time_key(&alice, 99);
        fallback["fallback"] = true.into();
        let fallback_keys = json!({ "signed_curve25519:F": fallback });
        upload(
            &alice,
            json!({ "one_time_keys": first, "fallback_keys": fallback_keys }),
        )
        .await;
        server.clock().advance(std::time::Duration::from_secs(1));
        let answer = upload(&alice, json!({ "one_time_keys": later })).await;
        assert_eq!(answer["one_time_key_counts"]["signed_curve25519"], 2);
        let sync = alice.sync(None).await;
        assert_eq!(sync["device_one_time_keys_count"]["signed_curve25519"], 2);
        assert_eq!(
            sync["device_unused_fallback_key_types"],
            json!(["signed_curve25519"])
        );

        assert_eq!(
            claim(&bob, &alice).await,
            Some(("signed_curve25519:K00005".to_owned(), one_time_key(&alice, 5)))
        );
        assert_eq!(
            claim(&bob, &alice).await,
            Some(("signed_curve25519:K00000".to_owned(), one_time_key(&alice, 0)))
        );
        for _ in 0..2 {
            assert_eq!(
                claim(&bob, &alice).await,
                Some(("signed_curve25519:F".to_owned(), fallback.clone()))
            );
        }
        let sync = alice.sync(Some(&token(&sync))).await;
        assert_eq!(sync["device_one_time_keys_count"]["signed_curve25519"], 0);
        assert_eq!(sync["device_unused_fallback_key_types"], json!([]));
        // The same fallback key again stays used, another one isn't.
        upload(&alice, json!({ "fallback_keys": fallback_keys })).await;
        assert_eq!(
            alice.sync(None).await["device_unused_fallback_key_types"],
            json!([])
        );
        upload(
            &alice,
            json!({ "fallback_keys": { "signed_curve25519:G": one_time_key(&alice, 100) } }),
        )
        .await;
        assert_eq!(
            alice.sync(None).await["device_unused_fallback_key_types"],
            json!(["signed_curve25519"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_waiting_sync_of_the_owner_returns_when_a_key_was_claimed() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        upload(&alice, json!({ "one_time_keys": one_time_keys(&alice, 0..2) })).await;
        let since = token(&alice.sync(None).await);
        let claims = async {
            figures.until(SYNCS_WAITING, 1).await;
            claim(&bob, &alice).await
        };
        let (sync, _) = tokio::join!(alice.sync_waiting(Some(&since), 10_000), claims);
        assert_eq!(sync["device_one_time_keys_count"]["signed_curve25519"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_thousand_claims_at_once_get_a_thousand_keys() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        for start in (0..1_000).step_by(200) {
            upload(
                &alice,
                json!({ "one_time_keys": one_time_keys(&alice, start..start + 200) }),
            )
            .await;
        }
        let claims = join_all((0..1_000).map(|_| claim(&bob, &alice))).await;
        let ids: BTreeSet<String> = claims.into_iter().flatten().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 1_000);
        assert_eq!(claim(&bob, &alice).await, None);
        let answer = upload(&alice, json!({})).await;
        assert_eq!(answer["one_time_key_counts"]["signed_curve25519"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_upload_does_not_offer_a_claimed_key_again() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        let body = json!({ "one_time_keys": one_time_keys(&alice, 0..2) });
        upload(&alice, body.clone()).await;
        let first = claim(&bob, &alice).await;
        let answer = upload(&alice, body.clone()).await;
        assert_eq!(answer["one_time_key_counts"]["signed_curve25519"], 1);
        let second = claim(&bob, &alice).await;
        assert!(second.is_some() && first != second);
        assert_eq!(claim(&bob, &alice).await, None);
        // A device that began anew may use the name for another key.
        let other = json!({ "signed_curve25519:K00000": one_time_key(&alice, 7) });
        let answer = upload(&alice, json!({ "one_time_keys": other })).await;
        assert_eq!(answer["one_time_key_counts"]["signed_curve25519"], 1);
    })
    .await;
}

#[tokio::test]
async fn one_time_keys_are_checked() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        upload(&alice, json!({ "one_time_keys": { "signed_curve25519:A": one_time_key(&alice, 1) } })).await;
        let other = json!({ "one_time_keys": { "signed_curve25519:A": one_time_key(&alice, 2) } });
        assert_eq!(refusal(alice.post(UPLOAD, other).await), refused(400, "M_INVALID_PARAM"));
        // Spaces don't make another key.
        let spaced = one_time_key(&alice, 1).to_string().replace("\":", "\" : ");
        let body = format!(r#"{{"one_time_keys":{{"signed_curve25519:A":{spaced}}}}}"#);
        let request = http::Request::post(UPLOAD).header("authorization", format!("Bearer {}", alice.token));
        let answer = server.ask(request.body(body.into()).expect("a request")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());

        let json = refused(400, "M_BAD_JSON");
        for (name, key) in [
            ("signed_curve25519:B", json!("unsigned")),
            ("signed_curve25519:B", json!({ "key": 1, "signatures": {} })),
            ("signed_curve25519:B", json!({ "key": "x" })),
            ("signed_curve25519:B", json!({ "key": "x", "signatures": { "@a:b": 1 } })),
            ("signed_curve25519:B", json!([])),
            ("nocolon", json!("x")),
        ] {
            let answer = refusal(alice.post(UPLOAD, json!({ "one_time_keys": { name: key } })).await);
            assert_eq!(answer, json, "{name} {key}");
        }
        let large = json!({ "key": "x".repeat(1_000_000), "signatures": {} });
        let answer = alice.post(UPLOAD, json!({ "one_time_keys": { "signed_curve25519:B": large } })).await;
        assert_eq!(refusal(answer), refused(413, "M_TOO_LARGE"));
        let answer = alice.post(UPLOAD, json!({ "one_time_keys": one_time_keys(&alice, 0..201) })).await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));
        let two = json!({ "signed_curve25519:A": one_time_key(&alice, 1), "signed_curve25519:B": one_time_key(&alice, 2) });
        let answer = alice.post(UPLOAD, json!({ "fallback_keys": two })).await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));

        let answer = upload(&alice, json!({ "one_time_keys": { "curve25519:A": "plain", "m.future:A/+": "new" } })).await;
        assert_eq!(
            answer["one_time_key_counts"],
            json!({ "signed_curve25519": 1, "curve25519": 1, "m.future": 1 })
        );
    })
    .await;
}

#[tokio::test]
async fn a_device_holds_a_bounded_number_of_keys() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for start in (0..1_000).step_by(200) {
            upload(
                &alice,
                json!({ "one_time_keys": one_time_keys(&alice, start..start + 200) }),
            )
            .await;
        }
        let answer = alice
            .post(
                UPLOAD,
                json!({ "one_time_keys": one_time_keys(&alice, 1_000..1_001) }),
            )
            .await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));
        assert_eq!(
            upload(&alice, json!({})).await["one_time_key_counts"]["signed_curve25519"],
            1_000
        );
    })
    .await;
}

#[tokio::test]
async fn claims_of_what_does_not_exist_are_answered_with_nothing() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let wanted = json!({ "one_time_keys": {
            (bob.id.as_str()): { (bob.device.as_str()): "signed_curve25519", "GHOST": "signed_curve25519" },
            "@nobody:test.example": { "X": "signed_curve25519" },
            "@eve:elsewhere.example": { "X": "signed_curve25519" },
        } });
        let (status, answer) = alice.post(CLAIM, wanted).await;
        assert_eq!((status, &answer["one_time_keys"]), (200, &json!({})));
        let many: Map<String, Value> = (0..5_001)
            .map(|n| (format!("D{n}"), json!("signed_curve25519")))
            .collect();
        let answer = alice
            .post(CLAIM, json!({ "one_time_keys": { (bob.id.as_str()): many } }))
            .await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));
    })
    .await;
}

#[tokio::test]
async fn key_changes_name_who_changed_came_and_went() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let changes = async |from: &str, to: &str| {
            let path = format!(
                "/_matrix/client/v3/keys/changes?from={}&to={}",
                enc(from),
                enc(to)
            );
            let (status, answer) = alice.get(&path).await;
            assert_eq!(status, 200, "{answer}");
            (strings(&answer["changed"]), strings(&answer["left"]))
        };
        let only = |user: &User| BTreeSet::from([user.id.to_string()]);
        let none = BTreeSet::new();

        let start = token(&alice.sync(None).await);
        publish(&bob).await;
        publish(&carol).await;
        let published = token(&alice.sync(None).await);
        assert_eq!(changes(&start, &published).await, (only(&bob), none.clone()));
        assert_eq!(
            changes(&published, &published).await,
            (none.clone(), none.clone())
        );

        alice.invite(&room, &carol).await;
        carol.join(&room).await;
        let joined = token(&alice.sync(None).await);
        assert_eq!(changes(&published, &joined).await, (only(&carol), none.clone()));

        bob.leave(&room).await;
        let left = token(&alice.sync(None).await);
        assert_eq!(changes(&joined, &left).await, (none, only(&bob)));

        for text in ["", "x", "17", "s-", "s99999999999999999999"] {
            let path = format!(
                "/_matrix/client/v3/keys/changes?from={}&to={}",
                enc(text),
                enc(&left)
            );
            assert_eq!(
                refusal(alice.get(&path).await),
                refused(400, "M_INVALID_PARAM"),
                "{text}"
            );
        }
        assert_eq!(refusal(alice.get("/_matrix/client/v3/keys/changes").await).0, 400);
    })
    .await;
}

#[tokio::test]
async fn keys_go_with_their_device() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        publish(&alice).await;
        upload(&alice, json!({ "one_time_keys": one_time_keys(&alice, 0..2) })).await;
        let (status, _) = alice.post("/_matrix/client/v3/logout", json!({})).await;
        assert_eq!(status, 200);
        assert_eq!(
            query(&bob, &[&alice]).await["device_keys"][alice.id.as_str()],
            json!({})
        );
        assert_eq!(claim(&bob, &alice).await, None);
    })
    .await;
}
