//! The embedded web client, and what answers where it doesn't.
//!
//! These tests hold with and without a built client: without one, its page is a note that says so.

use axum::body::Body;
use http::Request;
use rohrpost_testkit::{Answer, TestServer};

async fn ask(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    server.ask(request.body(Body::empty()).expect("a request")).await
}

/// The address of an asset that the page names, if a client was built.
async fn asset(server: &TestServer, extension: &str) -> Option<String> {
    let page = ask(server, "GET", "/", &[]).await.text();
    let named = page
        .split('"')
        .find(|text| text.starts_with("/assets/") && text.ends_with(extension));
    named.map(str::to_owned)
}

#[tokio::test]
async fn the_page_comes_with_the_policy_of_the_web_client_and_is_asked_for_anew_each_time() {
    let server = TestServer::sqlite().await;
    let page = ask(&server, "GET", "/", &[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("content-security-policy"),
        include_str!("../../../web/csp.txt").trim()
    );
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(page.header("permissions-policy").contains("usb=()"));
    assert!(page.text().contains("Rohrpost"));
}

#[tokio::test]
async fn places_inside_the_client_get_its_page_and_missing_files_dont() {
    let server = TestServer::sqlite().await;
    let page = ask(&server, "GET", "/", &[]).await;
    assert_eq!(
        ask(&server, "GET", "/somewhere/inside", &[]).await.body,
        page.body
    );
    for path in [
        "/missing.js",
        "/assets/missing",
        "/assets/missing.js",
        "/index.html.br",
        "/../Cargo.toml",
        "/.git/config",
    ] {
        let answer = ask(&server, "GET", path, &[]).await;
        assert_eq!(
            (answer.status, answer.json()["errcode"].as_str()),
            (404, Some("M_UNRECOGNIZED")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn apis_answer_in_json_whatever_they_are_asked() {
    let server = TestServer::sqlite().await;
    for path in [
        "/_matrix/client/v3/nonsense",
        "/_matrix",
        "/_rohrpost/nonsense",
        "/_synapse/nonsense",
        "/.well-known/nonsense",
        "/health/nonsense",
        "/livekit/jwt",
        "/metrics",
    ] {
        let answer = ask(&server, "GET", path, &[]).await;
        assert_eq!(
            (answer.status, answer.json()["errcode"].as_str()),
            (404, Some("M_UNRECOGNIZED")),
            "{path}"
        );
    }
    let answer = ask(&server, "POST", "/", &[]).await;
    assert_eq!(
        (answer.status, answer.json()["errcode"].as_str()),
        (404, Some("M_UNRECOGNIZED"))
    );
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let server = TestServer::sqlite().await;
    let (get, head) = (
        ask(&server, "GET", "/", &[]).await,
        ask(&server, "HEAD", "/", &[]).await,
    );
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("content-type"), get.header("content-type"));
}

#[tokio::test]
async fn assets_are_kept_for_good_and_come_in_the_smallest_form() {
    let server = TestServer::sqlite().await;
    let Some(script) = asset(&server, ".js").await else {
        return;
    };
    let plain = ask(&server, "GET", &script, &[]).await;
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.header("content-encoding"), "");
    let packed = ask(
        &server,
        "GET",
        &script,
        &[("accept-encoding", "gzip, deflate, br")],
    )
    .await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert_eq!(packed.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(
        packed.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(packed.header("vary"), "accept-encoding");
    assert!(packed.body.len() < plain.body.len());
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let gzip = ask(&server, "GET", &script, &[("accept-encoding", "gzip")]).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!(gzip.body[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn what_the_browser_has_already_is_not_sent_again() {
    let server = TestServer::sqlite().await;
    let Some(style) = asset(&server, ".css").await else {
        return;
    };
    for path in ["/", &style] {
        let first = ask(&server, "GET", path, &[]).await;
        let again = ask(&server, "GET", path, &[("if-none-match", first.header("etag"))]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), first.header("etag"));
        let stale = ask(&server, "GET", path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(stale.status, 200);
    }
}

#[tokio::test]
async fn well_known_and_health_answer() {
    let server = TestServer::sqlite().await;
    let (status, well_known) = server.get("/.well-known/matrix/client", None).await;
    assert_eq!(status, 200);
    assert_eq!(well_known["m.homeserver"]["base_url"], "https://test.example");
    let health = ask(&server, "GET", "/health", &[]).await;
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn health_says_when_the_store_is_gone() {
    let server = TestServer::sqlite().await;
    server.core().store.close().await;
    assert_eq!(ask(&server, "GET", "/health", &[]).await.status, 503);
}
