//! The kit itself.

use std::time::Duration;

use rohrpost_core::upkeep;
use rohrpost_testkit::{TestServer, enc};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn a_server_answers_on_both_engines_and_after_a_restart() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        assert_eq!(alice.id, "@alice:test.example");
        server.restart().await;
        let known = rohrpost_core::caller::authenticate(&server.core(), &alice.token).await;
        assert_eq!(known.expect("she is still signed in").device_id, alice.device);
        assert_eq!(server.get("/health", None).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn time_stands_still_until_it_is_moved() {
    let server = TestServer::sqlite().await;
    let before_ts = server.core().now_ts();
    server.clock().advance(Duration::from_secs(60));
    assert_eq!(server.core().now_ts(), before_ts + 60_000);
}

#[tokio::test]
async fn a_served_server_answers_on_its_socket_until_it_is_closed() {
    let server = TestServer::sqlite().await;
    let address = server.serve().await;
    let mut stream = TcpStream::connect(address).await.expect("it answers");
    let request = b"GET /health HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("the request is taken");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("the answer comes");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.close().await;
    TcpStream::connect(address).await.expect_err("it is closed");
}

#[tokio::test]
async fn upkeep_forgets_answers_to_old_requests_and_keeps_new_ones() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let send = async |txn: &str| {
            let path = format!(
                "/_matrix/client/v3/rooms/{}/send/m.room.message/{txn}",
                enc(&room)
            );
            alice
                .put(&path, json!({ "msgtype": "m.text", "body": "hi" }))
                .await
        };
        let old = send("old").await;
        server.clock().advance(Duration::from_secs(29 * 24 * 60 * 60));
        let new = send("new").await;
        server.clock().advance(Duration::from_secs(2 * 24 * 60 * 60));
        upkeep::upkeep(&server.core()).await.expect("the store works");
        upkeep::forget_answers(&server.core())
            .await
            .expect("the store works");
        assert_ne!(send("old").await, old);
        assert_eq!(send("new").await, new);
    })
    .await;
}
