//! Where calls go, tokens for the SFU, credentials for a relay.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use rohrpost_core::{
    rtc::{livekit::Livekit, turn::Turn},
    settings::SharedSecret,
};
use rohrpost_testkit::TestServer;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

const TRANSPORTS: &str = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports";
const GET_TOKEN: &str = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token";
const TURN: &str = "/_matrix/client/v3/voip/turnServer";
const SFU: &str = "wss://sfu.test.example";
const SECRET: &str = "a secret of thirty-two letters..";

fn with_calls() -> rohrpost_testkit::Builder {
    TestServer::with(|settings| {
        settings.livekit = Some(Livekit {
            url: SFU.to_owned(),
            key: "rohrpost".to_owned(),
            secret: SharedSecret::new(SECRET.to_owned()),
        });
        settings.turn = Some(Turn {
            uris: vec!["turns:turn.test.example".to_owned()],
            secret: SharedSecret::new(SECRET.to_owned()),
            lifetime: Duration::from_secs(600),
        });
    })
}

/// The claims of a token whose signature is right.
fn claims(jwt: &str) -> Value {
    let (signed, signature) = jwt.rsplit_once('.').expect("three parts");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    mac.verify_slice(&signature).expect("our signature");
    let (_, claims) = signed.split_once('.').expect("header and claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("claims")
}

#[tokio::test]
async fn members_get_a_token_for_their_call_and_nobody_else() {
    with_calls()
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            let room = alice.create_room(json!({})).await;
            let body = json!({ "url": SFU, "room_id": room, "slot_id": "m.call#ROOM", "member_id": "m1" });
            let (status, answer) = alice.post(GET_TOKEN, body.clone()).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(answer["url"], SFU);
            let first = claims(answer["jwt"].as_str().expect("a token"));
            assert_eq!(first["iss"], "rohrpost");
            let now_s = server.core().now_ts() / 1000;
            assert_eq!(first["exp"], now_s + 3600);
            assert_eq!(
                (&first["video"]["roomJoin"], &first["video"]["roomCreate"]),
                (&json!(true), &json!(false))
            );
            let told = first.to_string();
            assert!(!told.contains("alice") && !told.contains(&room), "{told}");

            let claimed = json!({ "url": SFU, "room_id": room, "slot_id": "m.call#ROOM",
                "member": { "id": "m1", "claimed_device_id": alice.device } });
            let (_, answer) = alice.post(GET_TOKEN, claimed).await;
            let second = claims(answer["jwt"].as_str().expect("a token"));
            assert_eq!(second["video"]["room"], first["video"]["room"], "the same call");
            assert_ne!(second["sub"], first["sub"]);

            let outsider = bob.post(GET_TOKEN, body.clone()).await;
            assert_eq!(outsider.0, 403);
            let mut nowhere = body.clone();
            nowhere["room_id"] = json!("!nowhere:test.example");
            assert_eq!(bob.post(GET_TOKEN, nowhere).await, outsider);
            assert_eq!(server.post(GET_TOKEN, None, body.clone()).await.0, 401);
            for (key, value) in [
                ("url", json!("wss://elsewhere.example")),
                ("server_name", json!("elsewhere.example")),
                ("member_id", json!("")),
                ("slot_id", json!("x".repeat(256))),
                ("room_id", json!(7)),
            ] {
                let mut wrong = body.clone();
                wrong[key] = value;
                assert_eq!(alice.post(GET_TOKEN, wrong).await.0, 400, "{key}");
            }
            let foreign = json!({ "room_id": room, "slot_id": "s",
                "member": { "id": "m1", "claimed_device_id": bob.device } });
            assert_eq!(alice.post(GET_TOKEN, foreign).await.0, 400, "another's device");
        })
        .await;
}

#[tokio::test]
async fn transports_name_the_sfu_where_there_is_one() {
    with_calls()
        .each(async |server| {
            let alice = server.user("alice").await;
            let (status, found) = alice.get(TRANSPORTS).await;
            assert_eq!(status, 200);
            assert_eq!(
                found["rtc_transports"],
                json!([{ "type": "livekit", "livekit_service_url": "https://test.example/livekit/jwt" }])
            );
            assert_eq!(found["transports"], json!([{ "type": "m.livekit", "url": SFU }]));
            assert_eq!(server.get(TRANSPORTS, None).await.0, 401);
        })
        .await;
}

#[tokio::test]
async fn credentials_of_the_relay_end_and_are_for_those_who_are_signed_in() {
    with_calls()
        .each(async |server| {
            let alice = server.user("alice").await;
            let (status, found) = alice.get(TURN).await;
            assert_eq!(status, 200, "{found}");
            assert_eq!(
                (&found["ttl"], &found["uris"]),
                (&json!(600), &json!(["turns:turn.test.example"]))
            );
            let username = found["username"].as_str().expect("a name");
            let (until, name) = username.split_once(':').expect("time and name");
            assert_eq!(
                until.parse::<i64>().expect("a time"),
                server.core().now_ts() / 1000 + 600
            );
            assert!(!name.contains("alice"));
            let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).expect("a key");
            mac.update(username.as_bytes());
            assert_eq!(found["password"], STANDARD.encode(mac.finalize().into_bytes()));
            assert_eq!(server.get(TURN, None).await.0, 401);
        })
        .await;
}

#[tokio::test]
async fn without_sfu_and_relay_clients_are_told_so() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        assert_eq!(alice.get(TURN).await, (200, json!({})));
        assert_eq!(
            alice.get(TRANSPORTS).await,
            (200, json!({ "rtc_transports": [], "transports": [] }))
        );
        let body = json!({ "room_id": "!r:test.example", "slot_id": "s", "member_id": "m" });
        assert_eq!(alice.post(GET_TOKEN, body).await.0, 404);
    })
    .await;
}
