//! What holds for requests to every endpoint: what is looked at before the body, and text that nothing can keep.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use rohrpost_testkit::{Answer, TestServer};

/// Asks with a body of 100 pieces of 64 KiB, and counts how many were taken.
async fn ask(server: &TestServer, path: &str, token: Option<&str>) -> (Answer, usize) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let pieces = (0..100).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536]))
    });
    let mut request = Request::post(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = server.ask(request.body(body).expect("a request")).await;
    (answer, taken.load(Ordering::Relaxed))
}

#[tokio::test]
async fn nothing_of_the_body_is_read_without_a_valid_token() {
    let server = TestServer::sqlite().await;
    let alice = server.user("alice").await;
    let cases = [
        ("/_matrix/client/v3/createRoom", None, 401, "M_MISSING_TOKEN"),
        (
            "/_matrix/client/v3/createRoom",
            Some("unknown"),
            401,
            "M_UNKNOWN_TOKEN",
        ),
    ];
    for (path, token, status, errcode) in cases {
        let (answer, taken) = ask(&server, path, token).await;
        assert_eq!(
            (answer.status, answer.json()["errcode"].as_str()),
            (status, Some(errcode))
        );
        assert_eq!(taken, 0, "{path} {token:?}");
    }
    let (answer, taken) = ask(&server, cases[0].0, Some(&alice.token)).await;
    assert_eq!(
        (answer.status, answer.json()["errcode"].as_str()),
        (413, Some("M_TOO_LARGE"))
    );
    assert!(taken > 60, "with a token 4 MiB are read: {taken}");
}

#[tokio::test]
async fn public_endpoints_take_small_bodies_only() {
    let server = TestServer::sqlite().await;
    for path in [
        "/_matrix/client/v3/login",
        "/_matrix/client/v3/register",
        "/_matrix/client/v3/refresh",
    ] {
        let (answer, taken) = ask(&server, path, None).await;
        assert_eq!(
            (answer.status, answer.json()["errcode"].as_str()),
            (413, Some("M_TOO_LARGE"))
        );
        assert!(taken <= 2, "{path}: {taken}");
    }
}

#[tokio::test]
async fn a_nul_in_a_query_string_is_refused_by_name() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(serde_json::json!({})).await;
        let room = rohrpost_testkit::enc(&room);
        for path in [
            "/_matrix/client/v3/sync?filter=%00".to_owned(),
            "/_matrix/client/v3/sync?filter=%7B%22room%22%3A%7B%22rooms%22%3A%5B%22%5Cu0000%22%5D%7D%7D"
                .to_owned(),
            format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&from=%00"),
            "/_matrix/client/v3/register/available?username=a%00b".to_owned(),
        ] {
            let (status, answer) = alice.get(&path).await;
            assert_eq!(
                (status, answer["errcode"].as_str()),
                (400, Some("M_INVALID_PARAM")),
                "{path}"
            );
        }
        let (status, _) = alice
            .get("/_matrix/client/v3/sync?set_presence=offline%2500")
            .await;
        assert_ne!(status, 503);
    })
    .await;
}

/// Whether a file in a folder or one of its folders has these bytes.
fn is_in_files(folder: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("a file").path();
        match path.is_dir() {
            true => is_in_files(&path, bytes),
            false => {
                let content = std::fs::read(&path).expect("it can be read");
                content.windows(bytes.len()).any(|window| window == bytes)
            }
        }
    })
}

#[tokio::test]
async fn redacted_content_is_in_no_file_after_the_hourly_upkeep() {
    let server = TestServer::sqlite().await;
    let alice = server.user("alice").await;
    let room = alice.create_room(serde_json::json!({})).await;
    let event = alice.send_text(&room, "the canary sings").await;
    assert!(is_in_files(server.folder(), b"the canary sings"));
    let path = format!(
        "/_matrix/client/v3/rooms/{}/redact/{}/1",
        rohrpost_testkit::enc(&room),
        rohrpost_testkit::enc(&event)
    );
    assert_eq!(alice.put(&path, serde_json::json!({})).await.0, 200);
    rohrpost_core::upkeep::forget_answers(&server.core())
        .await
        .expect("the upkeep");
    assert!(!is_in_files(server.folder(), b"the canary sings"));
}
