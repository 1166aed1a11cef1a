//! Where an access token may stand in a request, and where it may not.

use axum::body::Body;
use http::{Request, header};
use rohrpost_testkit::{TestServer, User};
use serde_json::json;

const WHOAMI: &str = "/_matrix/client/v3/account/whoami";
/// One of each way in which endpoints read their requests.
const PATHS: [(&str, &str); 5] = [
    ("GET", WHOAMI),
    ("GET", "/_matrix/client/v3/sync"),
    ("POST", "/_matrix/client/v4/sync"),
    ("POST", "/_matrix/media/v3/upload"),
    ("GET", "/_matrix/client/v1/media/config"),
];

/// Asks with these `Authorization` headers; answers status and errcode.
async fn ask(user: &User, method: &str, path: &str, headers: &[&str]) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path);
    for value in headers {
        request = request.header(header::AUTHORIZATION, *value);
    }
    let answer = user
        .server
        .ask(request.body(Body::from("{}")).expect("a request"))
        .await;
    let errcode = answer.json()["errcode"].as_str().unwrap_or_default().to_owned();
    (answer.status, errcode)
}

fn refused(errcode: &str) -> (u16, String) {
    (401, errcode.to_owned())
}

#[tokio::test]
async fn a_header_that_is_no_token_is_refused_whatever_the_address_says() {
    for query_tokens in [false, true] {
        let builder = TestServer::with(|settings| settings.query_tokens = query_tokens);
        let server = builder.sqlite().await;
        let alice = server.user("alice").await;
        let good = format!("Bearer {}", alice.token);
        for (method, path) in PATHS {
            let named = format!("{path}?access_token={}", alice.token);
            assert_eq!(ask(&alice, method, path, &[&good]).await.0, 200, "{path}");
            for path in [path, &named] {
                for wrong in [
                    "Bearer null",
                    "Bearer undefined",
                    "Bearer  ",
                    "Bearer x y",
                    "bearer ä",
                ] {
                    let answer = ask(&alice, method, path, &[wrong]).await;
                    assert_eq!(answer.0, 401, "{path} {wrong:?}");
                }
                for none in ["", "Bearer", "Basic YTpi", "null", &alice.token] {
                    let answer = ask(&alice, method, path, &[none]).await;
                    assert_eq!(answer, refused("M_MISSING_TOKEN"), "{path} {none:?}");
                }
                for two in [
                    [&*good, &*good],
                    [&*good, "Bearer x"],
                    ["", &*good],
                    ["Basic x", &*good],
                ] {
                    let answer = ask(&alice, method, path, &two).await;
                    assert_eq!(answer, refused("M_UNKNOWN_TOKEN"), "{path} {two:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_in_the_address_counts_only_where_the_operator_says_so() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for (method, path) in PATHS {
            let named = format!("{path}?access_token={}", alice.token);
            let answer = ask(&alice, method, &named, &[]).await;
            assert_eq!(answer, refused("M_MISSING_TOKEN"), "{path}");
        }
    })
    .await;
    let builder = TestServer::with(|settings| settings.query_tokens = true);
    builder
        .each(async |server| {
            let alice = server.user("alice").await;
            let token = &alice.token;
            for (method, path) in PATHS {
                let answer = ask(&alice, method, &format!("{path}?access_token={token}"), &[]).await;
                assert_eq!(answer.0, 200, "{path}: {}", answer.1);
                let answer = ask(
                    &alice,
                    method,
                    &format!("{path}?a=b&access_token={token}&c=d"),
                    &[],
                )
                .await;
                assert_eq!(answer.0, 200, "{path}: {}", answer.1);
                assert_eq!(ask(&alice, method, path, &[]).await, refused("M_MISSING_TOKEN"));
                for wrong in [
                    "access_token=",
                    "access_token=null",
                    "access_token=%ff",
                    &format!("access_token={token}&access_token={token}"),
                    &format!("access_token={token}&access_token="),
                ] {
                    let answer = ask(&alice, method, &format!("{path}?{wrong}"), &[]).await;
                    assert_eq!(answer, refused("M_UNKNOWN_TOKEN"), "{path} {wrong}");
                }
            }
            let gone = format!("/_matrix/client/v3/logout?access_token={token}");
            assert_eq!(server.post(&gone, None, json!({})).await.0, 200);
            let answer = ask(&alice, "GET", &format!("{WHOAMI}?access_token={token}"), &[]).await;
            assert_eq!(answer, refused("M_UNKNOWN_TOKEN"));
        })
        .await;
}
