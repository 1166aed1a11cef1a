//! How much one account may have, over the client-server API on both engines.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use rohrpost_core::settings::Quotas;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn with(change: impl FnOnce(&mut Quotas)) -> rohrpost_testkit::Builder {
    TestServer::with(|settings| change(&mut settings.quotas))
}

fn errcode((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["errcode"].as_str().unwrap_or_default().to_owned())
}

fn too_large() -> (u16, String) {
    (413, "M_TOO_LARGE".to_owned())
}

fn own(user: &User, rest: &str) -> String {
    format!("/_matrix/client/v3/user/{}/{rest}", enc(user.id.as_str()))
}

async fn upload(user: &User, bytes: usize) -> u16 {
    let request = Request::post("/_matrix/media/v3/upload")
        .header("authorization", format!("Bearer {}", user.token))
        .body(Body::from(vec![b'x'; bytes]));
    user.server.ask(request.expect("a request")).await.status
}

#[tokio::test]
async fn account_data_has_a_largest_size_and_number() {
    let builder = with(|quotas| {
        quotas.account_data_bytes = 40;
        quotas.account_data_entries = 4;
        quotas.account_data_entries_per_room = 2;
    });
    builder
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            let room = alice.create_room(json!({})).await;
            let about = |kind: &str| own(&alice, &format!("rooms/{}/account_data/{kind}", enc(&room)));
            let global = |kind: &str| own(&alice, &format!("account_data/{kind}"));
            let (small, large) = (json!({ "a": 1 }), json!({ "a": "x".repeat(60) }));
            assert_eq!(
                errcode(alice.put(&global("org.a"), large.clone()).await),
                too_large()
            );
            assert_eq!(
                errcode(alice.put(&about("org.a"), large.clone()).await),
                too_large()
            );
            assert_eq!(
                alice.put(&global("m.direct"), large).await.0,
                200,
                "lists may be larger"
            );
            assert_eq!(alice.put(&about("org.a"), small.clone()).await.0, 200);
            assert_eq!(alice.put(&about("org.b"), small.clone()).await.0, 200);
            assert_eq!(
                errcode(alice.put(&about("org.c"), small.clone()).await),
                too_large()
            );
            assert_eq!(alice.put(&global("org.a"), small.clone()).await.0, 200);
            assert_eq!(
                errcode(alice.put(&global("org.b"), small.clone()).await),
                too_large()
            );
            // What is there can be changed, and what the server writes itself has its place.
            for path in [global("org.a"), about("org.b")] {
                assert_eq!(alice.put(&path, json!({ "a": 2 })).await.0, 200);
            }
            let tag = own(&alice, &format!("rooms/{}/tags/m.favourite", enc(&room)));
            assert_eq!(alice.put(&tag, json!({})).await.0, 200);
            assert_eq!(bob.put(&own(&bob, "account_data/org.b"), small).await.0, 200);
        })
        .await;
}

#[tokio::test]
async fn delayed_events_have_a_largest_number_and_delay() {
    let builder = with(|quotas| {
        quotas.delayed_events = 2;
        quotas.max_delay = Duration::from_secs(60);
    });
    builder
        .each(async |server| {
            let alice = server.user("alice").await;
            let room = alice.create_room(json!({})).await;
            let plan = async |txn: &str, delay_ms: u64| {
                let path = format!(
                    "/_matrix/client/v3/rooms/{}/send/m.room.message/{txn}?org.matrix.msc4140.delay={delay_ms}",
                    enc(&room)
                );
                alice.put(&path, json!({ "msgtype": "m.text", "body": "x" })).await
            };
            let (status, refused) = plan("long", 60_001).await;
            assert_eq!((status, &refused["org.matrix.msc4140.max_delay"]), (400, &json!(60_000)));
            let (_, told) = alice.get("/_matrix/client/v3/capabilities").await;
            let told = &told["capabilities"]["org.matrix.msc4140.delayed_events"];
            assert_eq!(told, &json!({ "max_delay_ms": 60_000, "max_scheduled": 2 }));
            assert_eq!(plan("one", 60_000).await.0, 200);
            assert_eq!(plan("two", 1).await.0, 200);
            assert_eq!(plan("three", 1).await.0, 429);
        })
        .await;
}

#[tokio::test]
async fn uploads_of_a_day_have_an_end_and_of_another_day_count_no_more() {
    with(|quotas| quotas.daily_upload_bytes = 1000)
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            assert_eq!(upload(&alice, 400).await, 200);
            server.clock().advance(Duration::from_secs(60 * 60));
            assert_eq!(
                upload(&alice, 601).await,
                429,
                "refused by what it says of its length"
            );
            assert_eq!(upload(&alice, 600).await, 200);
            assert_eq!(upload(&alice, 1).await, 429);
            assert_eq!(upload(&bob, 1000).await, 200);
            server.clock().advance(Duration::from_secs(23 * 60 * 60));
            assert_eq!(upload(&alice, 401).await, 429);
            assert_eq!(upload(&alice, 400).await, 200);
        })
        .await;
    with(|quotas| quotas.daily_upload_bytes = 0)
        .each(async |server| {
            let alice = server.user("alice").await;
            assert_eq!(upload(&alice, 100_000).await, 200);
        })
        .await;
}

#[tokio::test]
async fn many_uploads_at_once_don_t_get_past_the_end() {
    with(|quotas| quotas.daily_upload_bytes = 1000)
        .each(async |server| {
            let alice = server.user("alice").await;
            let uploads = (0..8).map(|_| {
                // Of unknown length, so that nothing is refused beforehand.
                let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 300])]);
                let request = Request::post("/_matrix/media/v3/upload")
                    .header("authorization", format!("Bearer {}", alice.token))
                    .body(Body::from_stream(pieces));
                server.ask(request.expect("a request"))
            });
            let answers = futures_util::future::join_all(uploads).await;
            let taken = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(taken, 3);
            assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)));
        })
        .await;
}
