//! The keys that a server publishes.

use rohrpost_testkit::{Neighbours, TestServer};
use ruma::{
    CanonicalJsonObject,
    serde::Base64,
    signatures::{PublicKeyMap, PublicKeySet, verify_json},
};

#[tokio::test]
async fn keys_are_published_signed_with_themselves() {
    let server = Neighbours::new().sqlite().await;
    let (status, document) = server.get("/_matrix/key/v2/server", None).await;
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["server_name"], server.name().as_str());
    let keys = document["verify_keys"].as_object().expect("keys");
    let (key_id, key) = keys.iter().next().expect("a key");
    let key = Base64::parse(key["key"].as_str().expect("a key")).expect("base64");
    let keys = PublicKeyMap::from([(
        server.name().to_string(),
        PublicKeySet::from([(key_id.clone(), key)]),
    )]);
    let mut object: CanonicalJsonObject = serde_json::from_value(document).expect("canonical");
    verify_json(&keys, &object).expect("the signature");
    object.insert("valid_until_ts".to_owned(), ruma::Int::from(1).into());
    verify_json(&keys, &object).expect_err("another document");
    // The key stays over restarts.
    server.restart().await;
    let (_, again) = server.get("/_matrix/key/v2/server", None).await;
    assert!(
        again["verify_keys"]
            .get(keys[server.name().as_str()].keys().next().expect("one"))
            .is_some()
    );
    server.close().await;
}

#[tokio::test]
async fn two_servers_have_different_keys() {
    let neighbours = Neighbours::new();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let server = neighbours.sqlite().await;
        let (_, document) = server.get("/_matrix/key/v2/server", None).await;
        keys.push(document["verify_keys"].clone());
        server.close().await;
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn without_federation_there_is_nothing_for_others() {
    let server = TestServer::sqlite().await;
    for path in [
        "/_matrix/key/v2/server",
        "/_matrix/federation/v1/version",
        "/_matrix/federation/v1/query/profile?user_id=@a:test.example",
        "/.well-known/matrix/server",
    ] {
        let (status, answer) = server.get(path, None).await;
        assert_eq!(
            (status, answer["errcode"].as_str()),
            (404, Some("M_UNRECOGNIZED")),
            "{path}"
        );
    }
}
