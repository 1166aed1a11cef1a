//! `m.login.sso`: programs that don't know OAuth 2.0 sign their user in over the server's page.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use rohrpost_testkit::{Answer, PASSWORD, TestServer, enc};
use serde_json::{Value, json};

use crate::uia::refusal;

const REDIRECT: &str = "/_matrix/client/v3/login/sso/redirect";
const PAGES: &str = "/_rohrpost/client/v1/oauth";

/// What a browser is answered.
async fn visit(server: &TestServer, path: &str) -> Answer {
    server
        .ask(Request::get(path).body(Body::empty()).expect("a request"))
        .await
}

async fn page(server: &TestServer, path: &str, body: Value) -> (u16, Value) {
    server.post(&format!("{PAGES}/{path}"), None, body).await
}

async fn sign_in(server: &TestServer) -> Value {
    let body = json!({ "user": "erika", "password": PASSWORD });
    page(server, "sign_in", body).await.1["session"].clone()
}

/// The address that somebody is sent to who consents.
async fn allow(server: &TestServer, redirect_url: &str) -> String {
    let session = sign_in(server).await;
    let body = json!({ "redirect_url": redirect_url, "session": session });
    let (status, back) = page(server, "sso", body).await;
    assert_eq!(status, 200, "{back}");
    back["redirect_to"].as_str().expect("an address").to_owned()
}

async fn login(server: &TestServer, token: &str) -> (u16, Value) {
    let body = json!({ "type": "m.login.token", "token": token });
    server.post("/_matrix/client/v3/login", None, body).await
}

fn token(address: &str) -> &str {
    let (_, after) = address.split_once("loginToken=").expect("a token");
    after.split(['&', '#']).next().unwrap_or_default()
}

#[tokio::test]
async fn the_page_is_the_way_that_clients_are_told_to_prefer() {
    TestServer::each(async |server| {
        let (status, answer) = server.get("/_matrix/client/v3/login", None).await;
        assert_eq!(status, 200);
        let flows = answer["flows"].as_array().expect("flows");
        let types: Vec<_> = flows.iter().map(|flow| flow["type"].clone()).collect();
        assert_eq!(
            json!(types),
            json!(["m.login.password", "m.login.sso", "m.login.token"])
        );
        let sso = &flows[1];
        assert_eq!(
            sso["identity_providers"],
            json!([{ "id": "rohrpost", "name": "test.example" }])
        );
        for name in [
            "oauth_aware_preferred",
            "delegated_oidc_compatibility",
            "org.matrix.msc3824.delegated_oidc_compatibility",
        ] {
            assert_eq!(sso[name], json!(true), "{name}");
        }
        assert_eq!(flows[2]["get_login_token"], json!(true));
    })
    .await;
}

#[tokio::test]
async fn a_program_sends_its_user_to_the_page_and_gets_them_back_with_a_token() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let app = "im.fluffychat://login?x=%20#done";
        for path in [
            "/_matrix/client/v3/login/sso/redirect",
            "/_matrix/client/r0/login/sso/redirect",
            "/_matrix/client/v3/login/sso/redirect/rohrpost",
        ] {
            let answer = visit(&server, &format!("{path}?redirectUrl={}", enc(app))).await;
            assert_eq!(answer.status, 302, "{}", answer.text());
            let location = answer.header("location");
            let at_page = location.strip_prefix("https://test.example/oauth2/sso?redirectUrl=");
            let back = at_page.expect("it is the page of this server");
            assert!(
                back.bytes()
                    .all(|byte| byte != b':' && byte != b'/' && byte != b'#'),
                "{back}"
            );
        }
        let create = format!("{REDIRECT}?action=register&redirectUrl={}", enc(app));
        assert!(
            visit(&server, &create)
                .await
                .header("location")
                .ends_with("&action=register")
        );

        let asked = page(&server, "sso/check", json!({ "redirect_url": app })).await;
        assert_eq!(asked, (200, json!({ "program": "im.fluffychat:" })));
        let site = json!({ "redirect_url": "https://client.example:8443/x" });
        let asked = page(&server, "sso/check", site).await;
        assert_eq!(asked, (200, json!({ "site": "client.example:8443" })));

        let address = allow(&server, app).await;
        assert!(
            address.starts_with("im.fluffychat://login?x=%20&loginToken="),
            "{address}"
        );
        assert!(address.ends_with("#done"), "{address}");
        let (status, signed_in) = login(&server, token(&address)).await;
        assert_eq!(
            (status, &signed_in["user_id"]),
            (200, &json!(erika.id)),
            "{signed_in}"
        );
        // Once, and not for long.
        assert_eq!(login(&server, token(&address)).await.0, 403);
        let late = allow(&server, app).await;
        server.clock().advance(Duration::from_secs(30));
        assert_eq!(login(&server, token(&late)).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_a_token_who_is_not_signed_in_to_the_page() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        for session in ["", "null", erika.token.as_str()] {
            let body = json!({ "redirect_url": "https://client.example/", "session": session });
            let refused = refusal(page(&server, "sso", body).await);
            assert_eq!(refused, (401, "M_UNKNOWN_TOKEN".to_owned()));
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_where_they_can_not_see_that_they_are_sent() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let session = sign_in(&server).await;
        for bad in [
            "",
            "//evil.example/",
            "/\\evil.example/",
            "https://a.test@evil.example/",
            "https://a.test\\@evil.example/",
            "https://a.test%40evil.example/",
            "https://a.test/\r\nLocation: https://evil.example/",
            "http://evil.example/",
            "http://localhost.evil.example/",
            "javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "intent://x#Intent;scheme=https;end",
        ] {
            let invalid = (400, "M_INVALID_PARAM".to_owned());
            for path in [REDIRECT.to_owned(), format!("{REDIRECT}/rohrpost")] {
                let answer = visit(&server, &format!("{path}?redirectUrl={}", enc(bad))).await;
                assert_eq!(answer.header("location"), "", "{bad}");
                assert_eq!(refusal((answer.status, answer.json())), invalid, "{bad}");
            }
            let asked = page(&server, "sso/check", json!({ "redirect_url": bad })).await;
            assert_eq!(refusal(asked), invalid, "{bad}");
            let body = json!({ "redirect_url": bad, "session": session });
            assert_eq!(refusal(page(&server, "sso", body).await), invalid, "{bad}");
        }
        let answer = visit(&server, REDIRECT).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let unknown = format!("{REDIRECT}/github?redirectUrl={}", enc("https://client.example/"));
        let answer = visit(&server, &unknown).await;
        assert_eq!(
            refusal((answer.status, answer.json())),
            (404, "M_NOT_FOUND".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn without_the_page_or_without_older_programs_there_is_no_such_way() {
    for oauth in [false, true] {
        TestServer::with(|settings| {
            settings.oauth = oauth;
            settings.legacy_login = !oauth;
        })
        .each(async |server| {
            let path = format!("{REDIRECT}?redirectUrl={}", enc("https://client.example/"));
            let answer = visit(&server, &path).await;
            let unrecognized = (404, "M_UNRECOGNIZED".to_owned());
            assert_eq!(refusal((answer.status, answer.json())), unrecognized);
            let body = json!({ "redirect_url": "https://client.example/", "session": "x" });
            assert_eq!(refusal(page(&server, "sso", body).await), unrecognized);
            let (_, answer) = server.get("/_matrix/client/v3/login", None).await;
            assert!(!answer.to_string().contains("m.login.sso"), "{answer}");
        })
        .await;
    }
}
