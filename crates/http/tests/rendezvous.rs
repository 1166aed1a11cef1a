//! Notes that two devices leave each other to sign in with a QR code.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use rohrpost_testkit::{Answer, TestServer};
use serde_json::json;

use crate::uia::refusal;

const PATH: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const JSON: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

async fn ask(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server
        .ask(request.body(Body::from(body.to_owned())).expect("a request"))
        .await
}

const PLAIN: (&str, &str) = ("content-type", "text/plain");

#[tokio::test]
async fn two_devices_leave_each_other_notes() {
    TestServer::each(async |server| {
        let made = ask(&server, "POST", PATH, &[PLAIN], "from the first").await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.header("access-control-allow-origin"), "*");
        assert!(!made.header("expires").is_empty() && !made.header("last-modified").is_empty());
        let url = made.json()["url"].as_str().expect("an address").to_owned();
        let path = url.strip_prefix("https://test.example").expect("on this server");
        let read = ask(&server, "GET", path, &[], "").await;
        assert_eq!((read.status, read.text().as_str()), (200, "from the first"));
        assert_eq!(read.header("content-type"), "text/plain");
        assert_eq!(read.header("etag"), made.header("etag"));
        let first = read.header("etag");
        let same = ask(&server, "GET", path, &[("if-none-match", first)], "").await;
        assert_eq!((same.status, same.text().as_str()), (304, ""));
        let put = ask(
            &server,
            "PUT",
            path,
            &[PLAIN, ("if-match", first)],
            "from the second",
        )
        .await;
        assert_eq!(put.status, 202);
        assert_ne!(put.header("etag"), first);
        let late = ask(&server, "PUT", path, &[PLAIN, ("if-match", first)], "too late").await;
        assert_eq!(late.status, 412);
        assert_eq!(late.json()["org.matrix.msc4108.errcode"], "M_CONCURRENT_WRITE");
        let read = ask(&server, "GET", path, &[("if-none-match", first)], "").await;
        assert_eq!((read.status, read.text().as_str()), (200, "from the second"));
        assert_eq!(ask(&server, "DELETE", path, &[], "").await.status, 204);
        for method in ["GET", "DELETE"] {
            assert_eq!(ask(&server, method, path, &[], "").await.status, 404);
        }
    })
    .await;
}

#[tokio::test]
async fn notes_are_small_few_and_short_lived() {
    let server = TestServer::sqlite().await;
    let large = "x".repeat(4097);
    assert_eq!(ask(&server, "POST", PATH, &[PLAIN], &large).await.status, 413);
    assert_eq!(
        ask(&server, "POST", PATH, &[PLAIN], &large[..4096]).await.status,
        201
    );
    let json = ("content-type", "application/json");
    assert_eq!(ask(&server, "POST", PATH, &[json], "{}").await.status, 400);
    let made = ask(&server, "POST", PATH, &[PLAIN], "x").await;
    let url = made.json()["url"].as_str().expect("an address").to_owned();
    let path = url.strip_prefix("https://test.example").expect("on this server");
    assert_eq!(
        ask(&server, "PUT", path, &[PLAIN], "without a tag").await.status,
        400
    );
    let mut refused = 0;
    for _ in 0..60 {
        refused += u32::from(ask(&server, "POST", PATH, &[PLAIN], "x").await.status == 429);
    }
    assert_eq!(refused, 12, "50 of an address");
    server.clock().advance(Duration::from_secs(120));
    assert_eq!(ask(&server, "GET", path, &[], "").await.status, 404);
    assert_eq!(ask(&server, "POST", PATH, &[PLAIN], "x").await.status, 201);
    server.close().await;
}

#[tokio::test]
async fn notes_in_json_work_the_same_way() {
    TestServer::each(async |server| {
        assert_eq!(
            server.get(JSON, None).await,
            (200, json!({ "create_available": true }))
        );
        let (status, made) = server.post(JSON, None, json!({ "data": "one" })).await;
        assert_eq!((status, &made["expires_in_ms"]), (200, &json!(120_000)), "{made}");
        let path = format!("{JSON}/{}", made["id"].as_str().expect("an id"));
        let (_, read) = server.get(&path, None).await;
        assert_eq!(
            (&read["data"], &read["sequence_token"]),
            (&json!("one"), &made["sequence_token"])
        );
        let change = json!({ "sequence_token": made["sequence_token"], "data": "two" });
        let (status, changed) = server.put(&path, None, change.clone()).await;
        assert_eq!(status, 200, "{changed}");
        assert_ne!(changed["sequence_token"], made["sequence_token"]);
        assert_eq!(server.put(&path, None, change).await.0, 409);
        assert_eq!(server.get(&path, None).await.1["data"], "two");
        assert_eq!(server.put(&path, None, json!({ "data": 7 })).await.0, 400);
        let large = json!({ "data": "x".repeat(4097) });
        assert_eq!(
            refusal(server.post(JSON, None, large).await),
            (413, "M_TOO_LARGE".into())
        );
        assert_eq!(server.delete(&path, None).await, (200, json!({})));
        assert_eq!(
            refusal(server.get(&path, None).await),
            (404, "M_NOT_FOUND".into())
        );
    })
    .await;
}
