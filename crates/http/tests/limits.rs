//! Every limit there is on how often somebody may do something, provoked one after the other.

use axum::body::Body;
use http::{Request, header};
use rohrpost_core::{
    federation::Partners,
    limits::{Kind, Rates},
    media::preview::PreviewSettings,
    settings::{EmailSettings, Quotas, Rate, Settings},
};
use rohrpost_testkit::{Answer, TestServer, User, enc};
use serde_json::{Value, json};

/// Longest way to a limit of two at once.
const TRIES: usize = 10;

async fn ask(user: &User, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token));
    let body = Body::from(body.to_string());
    user.server.ask(request.body(body).expect("a request")).await
}

/// Something that counts, different each time.
async fn provoke(kind: Kind, user: &User, room: &str, number: usize) -> Answer {
    let path = |rest: &str| format!("/_matrix/client/v3/{rest}");
    let in_room = |rest: &str| path(&format!("rooms/{}/{rest}", enc(room)));
    let wrong = json!({
        "type": "m.login.password", "password": "wrong",
        "identifier": { "type": "m.id.user", "user": user.id },
    });
    match kind {
        Kind::LoginPerAddress | Kind::LoginPerAccount => ask(user, "POST", &path("login"), wrong).await,
        Kind::Registration => {
            let name = format!("new{number}");
            let account = json!({
                "username": name, "password": "correct horse battery", "auth": { "type": "m.login.dummy" },
            });
            ask(user, "POST", &path("register"), account).await
        }
        Kind::Email => {
            let wanted = json!({
                "email": format!("a{number}@amt.example"), "client_secret": "secret", "send_attempt": 1,
            });
            let path = path("account/password/email/requestToken");
            ask(user, "POST", &path, wanted).await
        }
        Kind::Message => {
            let path = in_room(&format!("send/m.room.message/{number}"));
            ask(user, "PUT", &path, json!({ "msgtype": "m.text", "body": "x" })).await
        }
        Kind::RoomCreation => ask(user, "POST", &path("createRoom"), json!({})).await,
        Kind::Invite => {
            let guest = json!({ "user_id": format!("@nobody{number}:test.example") });
            ask(user, "POST", &in_room("invite"), guest).await
        }
        Kind::Join => ask(user, "POST", &in_room("join"), json!({})).await,
        Kind::Upload => ask(user, "POST", "/_matrix/media/v3/upload", json!({})).await,
        Kind::KeyClaim => ask(user, "POST", &path("keys/claim"), json!({ "one_time_keys": {} })).await,
        Kind::ToDevice => {
            let path = path(&format!("sendToDevice/org.example.note/{number}"));
            ask(user, "PUT", &path, json!({ "messages": {} })).await
        }
        Kind::UrlPreview => {
            // A port that isn't connected to: it counts all the same.
            let url = enc(&format!("http://127.0.0.1:1/{number}"));
            let path = format!("/_matrix/client/v1/media/preview_url?url={url}");
            ask(user, "GET", &path, Value::Null).await
        }
        // Another server that can't prove who it is counts for its address.
        Kind::Federation => {
            let path = "/_matrix/federation/v1/query/profile?user_id=%40a%3Ab";
            ask(user, "GET", path, Value::Null).await
        }
        Kind::General => ask(user, "GET", &path("account/whoami"), Value::Null).await,
    }
}

/// Checks that a refusal says when to come back, in both ways.
fn says_when(answer: &Answer, what: &str) {
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["errcode"]),
        (429, &json!("M_LIMIT_EXCEEDED")),
        "{what}: {}",
        answer.text()
    );
    let wait_ms = body["retry_after_ms"].as_u64().unwrap_or_default();
    assert!(wait_ms > 0, "{what}: {body}");
    let wait_s: u64 = answer.header("retry-after").parse().unwrap_or_default();
    assert!(
        wait_s > 0 && wait_s * 1000 >= wait_ms && (wait_s - 1) * 1000 < wait_ms,
        "{what}: {wait_s} s and {wait_ms} ms"
    );
}

fn set(settings: &mut Settings, kind: Kind) {
    // Not whole seconds, so that the two ways of saying it differ.
    let rate = Rate {
        per_second: 0.013,
        burst: 2,
    };
    settings.federation.partners = Partners::Everybody;
    settings.limits = Some(Rates::new([(kind, rate)]));
    settings.email = Some(EmailSettings {
        domains: Vec::new(),
        notices: false,
    });
    settings.url_preview = Some(PreviewSettings {
        allowed_hosts: Vec::new(),
        denied_hosts: Vec::new(),
        allowed_ports: vec![80, 443],
        max_page_bytes: 1024,
        max_picture_bytes: 1024,
        timeout: std::time::Duration::from_secs(5),
    });
}

#[tokio::test]
async fn every_limit_says_when_to_come_back_and_lets_through_then() {
    for kind in Kind::ALL {
        let server = TestServer::with(|settings| set(settings, kind)).sqlite().await;
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let mut refused = None;
        let mut number = 0;
        while refused.is_none() && number < TRIES {
            number += 1;
            let answer = provoke(kind, &alice, &room, number).await;
            assert!(answer.status < 500, "{kind:?}: {}", answer.text());
            refused = (answer.status == 429).then_some(answer);
        }
        let refused = refused.unwrap_or_else(|| panic!("{kind:?} is not limited"));
        says_when(&refused, &format!("{kind:?}"));
        let wait_ms = refused.json()["retry_after_ms"].as_u64().expect("a number");
        server.clock().advance(std::time::Duration::from_millis(wait_ms));
        let later = provoke(kind, &alice, &room, number).await;
        assert_ne!(later.status, 429, "{kind:?} lied");
    }
}

#[tokio::test]
async fn a_limit_of_one_is_no_limit_of_others() {
    let server = TestServer::with(|settings| set(settings, Kind::Upload))
        .sqlite()
        .await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    for number in 0..3 {
        provoke(Kind::Upload, &alice, "", number).await;
    }
    assert_eq!(provoke(Kind::Upload, &alice, "", 4).await.status, 429);
    assert_eq!(provoke(Kind::Upload, &bob, "", 5).await.status, 200);
}

#[tokio::test]
async fn who_has_too_much_under_way_is_told_when_to_come_back() {
    let builder = TestServer::with(|settings| {
        settings.quotas = Quotas {
            pending_uploads: 1,
            delayed_events: 1,
            daily_upload_bytes: 3,
            ..Quotas::default()
        };
    });
    builder
        .each(async |server| {
            let alice = server.user("alice").await;
            let room = alice.create_room(json!({})).await;
            let delayed = |txn: &str| {
                format!(
                    "/_matrix/client/v3/rooms/{}/send/m.room.message/{txn}?org.matrix.msc4140.delay=60500",
                    enc(&room)
                )
            };
            let text = json!({ "msgtype": "m.text", "body": "x" });
            for (what, method, paths, body) in [
                (
                    "pending uploads",
                    "POST",
                    [
                        "/_matrix/media/v1/create".to_owned(),
                        "/_matrix/media/v1/create".to_owned(),
                    ],
                    json!({}),
                ),
                ("delayed events", "PUT", [delayed("a"), delayed("b")], text),
                (
                    "uploads",
                    "POST",
                    [
                        "/_matrix/media/v3/upload".to_owned(),
                        "/_matrix/media/v3/upload".to_owned(),
                    ],
                    json!({}),
                ),
            ] {
                let [first, second] = paths;
                let answer = ask(&alice, method, &first, body.clone()).await;
                assert_eq!(answer.status, 200, "{what}: {}", answer.text());
                says_when(&ask(&alice, method, &second, body).await, what);
            }
        })
        .await;
}
