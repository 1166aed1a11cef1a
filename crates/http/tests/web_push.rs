//! Web Push, from the event to the push service, read by another implementation than the one that wrote it: Node's.

use std::{io::Write as _, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_testkit::{TestServer, User};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Received};

const SET: &str = "/_matrix/client/v3/pushers/set";
const ACK: &str = "/_matrix/client/v3/pushers/ack";
const UNSTABLE_ACK: &str = "/_matrix/client/unstable/org.matrix.msc4174/pushers/ack";

/// The subscription of a browser, and its secret key: the example of RFC 8291.
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const SECRET_KEY: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";

/// Decrypts a body of the coding aes128gcm, and checks who signed the token. Reads JSON, writes JSON.
const BROWSER: &str = r#"
const crypto = require("node:crypto");
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const decode = (text) => Buffer.from(text, "base64url");
const body = decode(input.body);
const salt = body.subarray(0, 16), length = body[20];
const theirs = body.subarray(21, 21 + length), sealed = body.subarray(21 + length);
const ecdh = crypto.createECDH("prime256v1");
ecdh.setPrivateKey(decode(input.secret));
const info = Buffer.concat([Buffer.from("WebPush: info\0"), ecdh.getPublicKey(), theirs]);
const ikm = crypto.hkdfSync("sha256", ecdh.computeSecret(theirs), decode(input.auth), info, 32);
const key = crypto.hkdfSync("sha256", Buffer.from(ikm), salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
const nonce = crypto.hkdfSync("sha256", Buffer.from(ikm), salt, Buffer.from("Content-Encoding: nonce\0"), 12);
const cipher = crypto.createDecipheriv("aes-128-gcm", Buffer.from(key), Buffer.from(nonce));
cipher.setAuthTag(sealed.subarray(-16));
const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
if (padded[padded.length - 1] !== 2) throw new Error("not the last record");
const point = decode(input.vapid);
const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
const [head, claims, signature] = input.token.split(".");
const valid = crypto.verify("sha256", Buffer.from(head + "." + claims),
  { key: crypto.createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" }, decode(signature));
console.log(JSON.stringify({ message: JSON.parse(padded.subarray(0, -1)), valid, claims: JSON.parse(decode(claims)) }));
"#;

#[expect(
    clippy::disallowed_methods,
    reason = "what is missing must not pass unseen in the integration"
)]
fn is_integration() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci != "false")
}

/// Whether there is a Node to read with. Without it, nothing was tested: that is said, and fails in the integration.
fn has_node() -> bool {
    let found = std::process::Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let found = found.is_ok_and(|status| status.success());
    assert!(
        found || !is_integration(),
        "node is missing: Web Push was not tested"
    );
    if !found {
        let told = writeln!(std::io::stderr(), "SKIPPED Web Push: node is missing");
        told.expect("standard error can be written");
    }
    found
}

/// What a browser makes of a message.
fn read(received: &Received, vapid: &str) -> Value {
    let authorization = received.headers["authorization"].to_str().expect("text");
    let (token, key) = authorization
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.split_once(", k="))
        .expect("token and key");
    assert_eq!(key, vapid);
    let input = json!({
        "body": URL_SAFE_NO_PAD.encode(&received.body), "secret": SECRET_KEY, "auth": AUTH, "vapid": vapid,
        "token": token,
    });
    let mut node = std::process::Command::new("node")
        .args(["-e", BROWSER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut stdin = node.stdin.take().expect("its input");
    stdin.write_all(input.to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let output = node.wait_with_output().expect("it ends");
    assert!(output.status.success(), "node could not read the message");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn pusher(gateway: &Gateway) -> Value {
    json!({
        "app_id": "org.example.web", "pushkey": P256DH, "kind": "webpush", "app_display_name": "Web",
        "device_display_name": "Browser", "lang": "de",
        "data": { "url": format!("{}/send/abc", gateway.origin), "auth": AUTH },
    })
}

async fn vapid(user: &User) -> String {
    let (_, answer) = user.get("/_matrix/client/v3/capabilities").await;
    let told = &answer["capabilities"]["m.webpush"];
    assert_eq!(told["enabled"], true);
    assert_eq!(told, &answer["capabilities"]["org.matrix.msc4174.webpush"]);
    told["vapid"].as_str().expect("a key").to_owned()
}

async fn activated(user: &User) -> Value {
    let (_, kept) = user.get("/_matrix/client/v3/pushers").await;
    kept["pushers"][0]["data"]["activated"].clone()
}

#[tokio::test]
async fn a_browser_is_told_what_only_it_can_read() {
    if !has_node() {
        return;
    }
    let gateway = Gateway::start().await;
    TestServer::with(|settings| gateway.allow(settings))
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            let room = alice.create_room(json!({ "preset": "public_chat" })).await;
            bob.join(&room).await;
            server.push().await;
            let key = vapid(&bob).await;
            assert_eq!(bob.post(SET, pusher(&gateway)).await, (200, json!({})));
            assert_eq!(activated(&bob).await, false);

            // Until the client has shown what its browser was sent, nothing else is.
            alice.send_text(&room, "too early").await;
            server.push().await;
            let told = gateway.received();
            assert_eq!(told.len(), 1);
            let message = read(&told[0], &key)["message"].clone();
            assert_eq!(message["app_id"], "org.example.web");
            let wrong = json!({ "app_id": "org.example.web", "ack_token": "wrong" });
            let (status, refused) = bob.post(ACK, wrong).await;
            assert_eq!((status, &refused["errcode"]), (400, &json!("M_UNKNOWN_ACTIVATION_TOKEN")));
            assert_eq!(alice.post(UNSTABLE_ACK, message.clone()).await.0, 404, "it isn't hers");
            assert_eq!(server.post(UNSTABLE_ACK, None, message.clone()).await.0, 401);
            assert_eq!(bob.post(UNSTABLE_ACK, json!({ "app_id": 7 })).await.0, 400);
            assert_eq!(bob.post(ACK, message.clone()).await, (200, json!({})));
            assert_eq!(activated(&bob).await, true);
            // The same pusher again, as clients do at each start, changes nothing.
            assert_eq!(bob.post(SET, pusher(&gateway)).await, (200, json!({})));
            assert_eq!(activated(&bob).await, true);

            let event = alice.send_text(&room, "a secret").await;
            server.push().await;
            let told = gateway.received();
            assert_eq!(told.len(), 1);
            let headers = &told[0].headers;
            assert_eq!(headers["content-encoding"], "aes128gcm");
            assert_eq!((&headers["urgency"], &headers["ttl"]), (&"high".parse().unwrap(), &"86400".parse().unwrap()));
            let seen = read(&told[0], &key);
            assert_eq!(
                seen["message"],
                json!({
                    "app_id": "org.example.web", "event_id": event, "room_id": room, "prio": "high", "unread": 2,
                })
            );
            assert_eq!(seen["valid"], true, "signed by the key that the server names");
            assert_eq!(seen["claims"]["aud"], gateway.origin);
            assert_eq!(seen["claims"]["sub"], "https://test.example");

            // The key is kept, or every subscription would be lost.
            server.restart().await;
            assert_eq!(vapid(&bob).await, key);

            // The browser is gone.
            gateway.answer(410, json!({}));
            alice.send_text(&room, "anybody there?").await;
            server.push().await;
            assert_eq!(bob.get("/_matrix/client/v3/pushers").await.1, json!({ "pushers": [] }));
            gateway.received();
        })
        .await;
}

#[tokio::test]
async fn the_token_has_its_time_and_the_subscription_must_be_one() {
    let gateway = Gateway::start().await;
    TestServer::with(|settings| gateway.allow(settings))
        .each(async |server| {
            let bob = server.user("bob").await;
            let with = |key: &str, value: &str| {
                let mut pusher = pusher(&gateway);
                pusher["data"][key] = json!(value);
                pusher
            };
            for wrong in [with("auth", "short"), with("auth", ""), with("url", "no address")] {
                let (status, refused) = bob.post(SET, wrong).await;
                assert_eq!((status, &refused["errcode"]), (400, &json!("M_INVALID_PARAM")));
            }
            let (status, refused) = bob.post(SET, with("url", "https://elsewhere.example/x")).await;
            assert_eq!((status, &refused["errcode"]), (403, &json!("M_FORBIDDEN")));
            assert_eq!(bob.post(SET, pusher(&gateway)).await.0, 200);
            server.clock().advance(Duration::from_secs(301));
            let (status, _) = bob
                .post(ACK, json!({ "app_id": "org.example.web", "ack_token": "" }))
                .await;
            assert_eq!(status, 400);
            assert_eq!(activated(&bob).await, false);
        })
        .await;
}
