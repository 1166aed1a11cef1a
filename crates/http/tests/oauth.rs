//! OAuth 2.0: programs that register, ask for consent, and exchange what they get.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use rohrpost_core::settings::Registration;
use rohrpost_testkit::{Answer, PASSWORD, TestServer, User, enc};
use serde_json::{Value, json};

use crate::{
    cross_signing::{Identity, with_identity},
    signing::publish,
    uia::refusal,
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The SHA-256 of the verifier, from RFC 7636.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "https://app.example/cb";
const SCOPE: &str = "urn:matrix:client:api:* urn:matrix:client:device:NEWDEVICE1";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PAGES: &str = "/_rohrpost/client/v1/oauth";

fn encode(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", enc(value)))
        .collect();
    pairs.join("&")
}

async fn form(server: &TestServer, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(encode(pairs)))
        .expect("a request");
    server.ask(request).await
}

/// Status and error code, or an empty one.
fn error(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

fn metadata(redirect_uris: &[&str]) -> Value {
    json!({
        "client_name": "Messenger",
        "client_uri": "https://app.example/",
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

async fn register(server: &TestServer, metadata: Value) -> String {
    let (status, client) = server.post("/oauth2/register", None, metadata).await;
    assert_eq!(status, 201, "{client}");
    client["client_id"].as_str().expect("a client id").to_owned()
}

async fn page(server: &TestServer, path: &str, body: Value) -> (u16, Value) {
    server.post(&format!("{PAGES}/{path}"), None, body).await
}

async fn sign_in(server: &TestServer, user: &str) -> String {
    let (status, signed_in) = page(server, "sign_in", json!({ "user": user, "password": PASSWORD })).await;
    assert_eq!(status, 200, "{signed_in}");
    signed_in["session"].as_str().expect("a session").to_owned()
}

fn query(client: &str, change: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("response_mode", "fragment"),
        ("scope", SCOPE),
        ("state", "my state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    encode(&pairs)
}

async fn decide(server: &TestServer, query: &str, session: &str, allow: bool) -> String {
    let body = json!({ "query": query, "session": session, "allow": allow });
    let (status, back) = page(server, "authorize", body).await;
    assert_eq!(status, 200, "{back}");
    back["redirect_to"].as_str().expect("an address").to_owned()
}

/// A part of the answer in an address.
fn part(address: &str, name: &str) -> String {
    let answer = address.rsplit(['#', '?']).next().unwrap_or_default();
    let found = answer
        .split('&')
        .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_default().to_owned()
}

async fn code(server: &TestServer, client: &str) -> String {
    let session = sign_in(server, "erika").await;
    let address = decide(server, &query(client, &[]), &session, true).await;
    part(&address, "code")
}

async fn exchange(server: &TestServer, client: &str, code: &str, change: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    form(server, "/oauth2/token", &pairs).await
}

async fn refresh(server: &TestServer, client: &str, token: &str) -> Answer {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
    ];
    form(server, "/oauth2/token", &pairs).await
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A client, and somebody whom it signed in.
async fn signed_in(server: &TestServer) -> (String, Value) {
    server.user("erika").await;
    let client = register(server, metadata(&[REDIRECT])).await;
    let code = code(server, &client).await;
    let answer = exchange(server, &client, &code, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    (client, answer.json())
}

async fn whoami(server: &TestServer, token: &str) -> (u16, Value) {
    server.get("/_matrix/client/v3/account/whoami", Some(token)).await
}

#[tokio::test]
async fn the_metadata_has_what_clients_demand() {
    TestServer::each(async |server| {
        for path in [
            "/_matrix/client/v1/auth_metadata",
            "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
        ] {
            let (status, metadata) = server.get(path, None).await;
            assert_eq!(status, 200, "{metadata}");
            let base = "https://test.example/";
            assert_eq!(metadata["issuer"], base);
            for name in [
                "authorization",
                "token",
                "revocation",
                "registration",
                "device_authorization",
            ] {
                let endpoint = text(&metadata, &format!("{name}_endpoint"));
                assert!(
                    endpoint.starts_with(&format!("{base}oauth2/")),
                    "{name}: {endpoint}"
                );
            }
            assert_eq!(metadata["response_modes_supported"], json!(["query", "fragment"]));
            assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
            let grants = json!(["authorization_code", "refresh_token", DEVICE_CODE]);
            assert_eq!(metadata["grant_types_supported"], grants);
            assert_eq!(metadata["prompt_values_supported"], json!(["create"]));
            assert_eq!(metadata["account_management_uri"], "https://test.example/account");
            let actions = metadata["account_management_actions_supported"].to_string();
            for action in [
                "profile",
                "devices_list",
                "device_view",
                "device_delete",
                "account_deactivate",
                "cross_signing_reset",
                "sessions_list",
                "session_view",
                "session_end",
            ] {
                assert!(actions.contains(&format!("\"org.matrix.{action}\"")), "{action}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_signs_its_user_in() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let query = query(&client, &[]);
        let (status, asked) = page(&server, "authorize/check", json!({ "query": query })).await;
        assert_eq!(status, 200, "{asked}");
        assert_eq!(
            asked["client"],
            json!({ "name": "Messenger", "host": "app.example" })
        );
        assert_eq!(asked["device_id"], "NEWDEVICE1");
        let session = sign_in(&server, "@erika:test.example").await;
        let address = decide(&server, &query, &session, true).await;
        assert!(address.starts_with("https://app.example/cb#code="), "{address}");
        assert_eq!(part(&address, "state"), "my+state");
        assert_eq!(part(&address, "iss"), "https%3A%2F%2Ftest.example%2F");
        let answer = exchange(&server, &client, &part(&address, "code"), &[]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        let tokens = answer.json();
        assert_eq!(
            (&tokens["token_type"], &tokens["scope"]),
            (&json!("Bearer"), &json!(SCOPE))
        );
        assert_eq!(tokens["expires_in"], 3600);
        let (_, who) = whoami(&server, &text(&tokens, "access_token")).await;
        assert_eq!(who["device_id"], "NEWDEVICE1");
        assert_eq!(who["user_id"], "@erika:test.example");
        let devices = server
            .get(
                "/_matrix/client/v3/devices/NEWDEVICE1",
                Some(&text(&tokens, "access_token")),
            )
            .await;
        assert_eq!(devices.1["display_name"], "Messenger");
    })
    .await;
}

#[tokio::test]
async fn the_older_spelling_of_scopes_is_known_too() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let scope = "urn:matrix:org.matrix.msc2967.client:api:* \
                     urn:matrix:org.matrix.msc2967.client:device:AbC+/0123=";
        let session = sign_in(&server, "erika").await;
        let query = query(&client, &[("scope", scope), ("response_mode", "query")]);
        let address = decide(&server, &query, &session, true).await;
        assert!(address.starts_with("https://app.example/cb?code="), "{address}");
        let answer = exchange(&server, &client, &part(&address, "code"), &[])
            .await
            .json();
        assert_eq!(answer["scope"], scope);
        let (_, who) = whoami(&server, &text(&answer, "access_token")).await;
        assert_eq!(who["device_id"], "AbC+/0123=");
    })
    .await;
}

#[tokio::test]
async fn who_refuses_is_sent_back_without_a_code() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let session = sign_in(&server, "erika").await;
        let address = decide(&server, &query(&client, &[]), &session, false).await;
        assert_eq!(part(&address, "error"), "access_denied");
        assert_eq!(part(&address, "state"), "my+state");
        assert_eq!(part(&address, "code"), "");
    })
    .await;
}

#[tokio::test]
async fn mistakes_of_a_client_are_told_to_it() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let session = sign_in(&server, "erika").await;
        let two = "urn:matrix:client:api:* urn:matrix:client:device:A \
                   urn:matrix:org.matrix.msc2967.client:device:B";
        for (name, value, code) in [
            ("response_type", "token", "unsupported_response_type"),
            ("response_mode", "form_post", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge_method", "", "invalid_request"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("scope", "", "invalid_scope"),
            ("scope", "urn:matrix:client:api:*", "invalid_scope"),
            ("scope", "urn:matrix:client:device:A", "invalid_scope"),
            ("scope", two, "invalid_scope"),
        ] {
            let query = query(&client, &[(name, value)]);
            let (status, asked) = page(&server, "authorize/check", json!({ "query": query })).await;
            assert_eq!(status, 200, "{asked}");
            let address = text(&asked, "redirect_to");
            assert_eq!(part(&address, "error"), code, "{name}={value}");
            // Consenting all the same doesn't help.
            let address = decide(&server, &query, &session, true).await;
            assert_eq!(part(&address, "error"), code, "{name}={value}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_where_a_client_did_not_register() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let session = sign_in(&server, "erika").await;
        let mut queries = vec![
            query("unknown", &[]),
            query("", &[]),
            query(&client, &[("redirect_uri", "")]),
            query(&client, &[]) + "&redirect_uri=https%3A%2F%2Fevil.example",
        ];
        for uri in [
            "https://evil.example/cb",
            "https://app.example/cb/",
            "https://app.example/cb?x",
            "https://app.example/cb#x",
            "https://app.example/CB",
            "https://app.example@evil.example/cb",
            "javascript:alert(1)",
            "//evil.example",
        ] {
            queries.push(query(&client, &[("redirect_uri", uri)]));
        }
        for query in queries {
            let answer = page(&server, "authorize/check", json!({ "query": query })).await;
            assert!(answer.1.get("redirect_to").is_none(), "{query}: {}", answer.1);
            assert_eq!(refusal(answer), (400, "M_INVALID_PARAM".into()), "{query}");
            let body = json!({ "query": query, "session": session, "allow": true });
            let answer = page(&server, "authorize", body).await;
            assert_eq!(refusal(answer), (400, "M_INVALID_PARAM".into()), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_program_on_the_users_computer_may_listen_on_any_port() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let mut metadata = metadata(&["http://127.0.0.1/cb", "example.app.ios:/cb"]);
        metadata["application_type"] = json!("native");
        let client = register(&server, metadata).await;
        for uri in ["http://127.0.0.1:40123/cb", "example.app.ios:/cb"] {
            let session = sign_in(&server, "erika").await;
            let query = query(&client, &[("redirect_uri", uri), ("response_mode", "query")]);
            let address = decide(&server, &query, &session, true).await;
            assert!(address.starts_with(&format!("{uri}?code=")), "{address}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_used_twice_ends_what_it_was_exchanged_for() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let code = code(&server, &client).await;
        let tokens = exchange(&server, &client, &code, &[]).await.json();
        assert_eq!(whoami(&server, &text(&tokens, "access_token")).await.0, 200);
        let again = exchange(&server, &client, &code, &[]).await;
        assert_eq!(error(&again), (400, "invalid_grant".into()));
        assert_eq!(whoami(&server, &text(&tokens, "access_token")).await.0, 401);
        let refreshed = refresh(&server, &client, &text(&tokens, "refresh_token")).await;
        assert_eq!(error(&refreshed), (400, "invalid_grant".into()));
    })
    .await;
}

#[tokio::test]
async fn a_code_fits_its_client_its_address_and_its_verifier_alone() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT, "https://app.example/other"])).await;
        let foreign = register(&server, metadata(&[REDIRECT])).await;
        assert_ne!(client, foreign);
        for change in [
            ("code_verifier", "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            ("redirect_uri", "https://app.example/other"),
            ("client_id", foreign.as_str()),
        ] {
            let code = code(&server, &client).await;
            let answer = exchange(&server, &client, &code, &[change]).await;
            assert_eq!(error(&answer), (400, "invalid_grant".into()), "{change:?}");
            // Whoever showed it wrongly has burnt it.
            let answer = exchange(&server, &client, &code, &[]).await;
            assert_eq!(error(&answer), (400, "invalid_grant".into()), "{change:?}");
        }
        for missing in ["code", "redirect_uri", "code_verifier", "client_id", "grant_type"] {
            let answer = exchange(&server, &client, "x", &[(missing, "")]).await;
            assert_eq!(error(&answer), (400, "invalid_request".into()), "{missing}");
        }
        let answer = exchange(&server, "unknown", "x", &[]).await;
        assert_eq!(error(&answer), (401, "invalid_client".into()));
        let answer = exchange(&server, &client, "x", &[("grant_type", "password")]).await;
        assert_eq!(error(&answer), (400, "unsupported_grant_type".into()));
    })
    .await;
}

#[tokio::test]
async fn a_code_runs_out() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let code = code(&server, &client).await;
        server.clock().advance(Duration::from_secs(120));
        let answer = exchange(&server, &client, &code, &[]).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
    })
    .await;
}

#[tokio::test]
async fn tokens_are_exchanged_and_an_old_one_ends_them_all() {
    TestServer::each(async |server| {
        let (client, first) = signed_in(&server).await;
        let old = text(&first, "refresh_token");
        let answer = refresh(&server, &client, &old).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let second = answer.json();
        assert_eq!(second["scope"], SCOPE);
        assert_eq!(whoami(&server, &text(&second, "access_token")).await.0, 200);
        let third = refresh(&server, &client, &text(&second, "refresh_token"))
            .await
            .json();
        assert_eq!(whoami(&server, &text(&third, "access_token")).await.0, 200);
        server.clock().advance(Duration::from_secs(120));
        let answer = refresh(&server, &client, &old).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
        assert_eq!(whoami(&server, &text(&third, "access_token")).await.0, 401);
        let answer = refresh(&server, &client, &text(&third, "refresh_token")).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
    })
    .await;
}

#[tokio::test]
async fn refresh_tokens_belong_to_their_client() {
    TestServer::each(async |server| {
        let (client, tokens) = signed_in(&server).await;
        let foreign = register(&server, metadata(&["https://app.example/other"])).await;
        let token = text(&tokens, "refresh_token");
        for wrong in [foreign.as_str(), "unknown"] {
            let answer = refresh(&server, wrong, &token).await;
            assert_eq!(error(&answer), (400, "invalid_grant".into()));
        }
        let legacy = json!({ "refresh_token": token });
        let answer = server.post("/_matrix/client/v3/refresh", None, legacy).await;
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        let answer = refresh(&server, &client, &text(&tokens, "access_token")).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
        assert_eq!(refresh(&server, &client, &token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_sign_in() {
    TestServer::each(async |server| {
        for kind in ["access_token", "refresh_token"] {
            let (client, tokens) = {
                let client = register(&server, metadata(&[REDIRECT])).await;
                if server
                    .get("/_matrix/client/v3/profile/@erika:test.example", None)
                    .await
                    .0
                    == 404
                {
                    server.user("erika").await;
                }
                let code = code(&server, &client).await;
                let tokens = exchange(&server, &client, &code, &[]).await.json();
                (client, tokens)
            };
            let token = text(&tokens, kind);
            let access = text(&tokens, "access_token");
            assert_eq!(whoami(&server, &access).await.0, 200);
            for _ in 0..2 {
                let answer = form(
                    &server,
                    "/oauth2/revoke",
                    &[("token", &token), ("client_id", &client)],
                )
                .await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            assert_eq!(whoami(&server, &access).await.0, 401);
            let answer = refresh(&server, &client, &text(&tokens, "refresh_token")).await;
            assert_eq!(error(&answer), (400, "invalid_grant".into()));
        }
        let answer = form(&server, "/oauth2/revoke", &[("token", "unknown")]).await;
        assert_eq!(answer.status, 200);
        let answer = form(&server, "/oauth2/revoke", &[]).await;
        assert_eq!(error(&answer), (400, "invalid_request".into()));
    })
    .await;
}

#[tokio::test]
async fn registrations_are_checked_and_the_same_is_the_same() {
    TestServer::each(async |server| {
        let first = register(&server, metadata(&[REDIRECT])).await;
        assert_eq!(register(&server, metadata(&[REDIRECT])).await, first);
        for (name, value, code) in [
            (
                "redirect_uris",
                json!(["https://evil.example/"]),
                "invalid_redirect_uri",
            ),
            (
                "redirect_uris",
                json!(["javascript:alert(1)"]),
                "invalid_redirect_uri",
            ),
            (
                "redirect_uris",
                json!(["https://app.example/\r\nx"]),
                "invalid_redirect_uri",
            ),
            ("redirect_uris", json!([]), "invalid_redirect_uri"),
            ("client_uri", json!(null), "invalid_client_metadata"),
            ("grant_types", json!(["implicit"]), "invalid_client_metadata"),
        ] {
            let mut metadata = metadata(&[REDIRECT]);
            metadata[name] = value;
            let (status, refused) = server.post("/oauth2/register", None, metadata).await;
            assert_eq!((status, &refused["error"]), (400, &json!(code)), "{name}");
        }
        let (status, refused) = server.post("/oauth2/register", None, json!([1])).await;
        assert_eq!(
            (status, &refused["error"]),
            (400, &json!("invalid_client_metadata"))
        );
    })
    .await;
}

async fn begin_on_device(server: &TestServer, client: &str) -> Value {
    let answer = form(
        server,
        "/oauth2/device",
        &[("client_id", client), ("scope", SCOPE)],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn poll(server: &TestServer, client: &str, begun: &Value) -> Answer {
    let code = text(begun, "device_code");
    let pairs = [
        ("grant_type", DEVICE_CODE),
        ("client_id", client),
        ("device_code", code.as_str()),
    ];
    form(server, "/oauth2/token", &pairs).await
}

#[tokio::test]
async fn a_device_without_a_browser_is_let_in_elsewhere() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let begun = begin_on_device(&server, &client).await;
        assert_eq!(
            (&begun["interval"], &begun["expires_in"]),
            (&json!(5), &json!(900))
        );
        assert_eq!(
            text(&begun, "verification_uri_complete"),
            format!(
                "https://test.example/oauth2/link?user_code={}",
                text(&begun, "user_code")
            )
        );
        let pending = (400, "authorization_pending".to_owned());
        assert_eq!(error(&poll(&server, &client, &begun).await), pending);
        assert_eq!(
            error(&poll(&server, &client, &begun).await),
            (400, "slow_down".into())
        );
        let session = sign_in(&server, "erika").await;
        // As people type it.
        let typed = text(&begun, "user_code").replace('-', " ").to_lowercase();
        let body = json!({ "session": session, "user_code": typed });
        let (status, asked) = page(&server, "link/check", body).await;
        assert_eq!(
            (status, &asked["device_id"]),
            (200, &json!("NEWDEVICE1")),
            "{asked}"
        );
        let body = json!({ "session": session, "user_code": typed, "allow": true });
        assert_eq!(page(&server, "link", body.clone()).await.0, 200);
        assert_eq!(
            refusal(page(&server, "link", body).await),
            (404, "M_NOT_FOUND".into())
        );
        server.clock().advance(Duration::from_secs(5));
        let foreign = register(&server, metadata(&["https://app.example/other"])).await;
        let answer = poll(&server, &foreign, &begun).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
        let tokens = poll(&server, &client, &begun).await.json();
        let (_, who) = whoami(&server, &text(&tokens, "access_token")).await;
        assert_eq!(
            (&who["user_id"], &who["device_id"]),
            (&json!("@erika:test.example"), &json!("NEWDEVICE1"))
        );
        let answer = poll(&server, &client, &begun).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
    })
    .await;
}

#[tokio::test]
async fn device_codes_are_refused_run_out_and_need_a_client_that_registered_for_them() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let session = sign_in(&server, "erika").await;
        let begun = begin_on_device(&server, &client).await;
        let body = json!({ "session": session, "user_code": begun["user_code"], "allow": false });
        assert_eq!(page(&server, "link", body).await.0, 200);
        let answer = poll(&server, &client, &begun).await;
        assert_eq!(error(&answer), (400, "access_denied".into()));

        let begun = begin_on_device(&server, &client).await;
        server.clock().advance(Duration::from_secs(900));
        let answer = poll(&server, &client, &begun).await;
        assert_eq!(error(&answer), (400, "expired_token".into()));
        let session = sign_in(&server, "erika").await;
        let body = json!({ "session": session, "user_code": begun["user_code"] });
        assert_eq!(
            refusal(page(&server, "link/check", body).await),
            (404, "M_NOT_FOUND".into())
        );
        let body = json!({ "session": session, "user_code": "BCDF-GHJK" });
        assert_eq!(
            refusal(page(&server, "link/check", body).await),
            (404, "M_NOT_FOUND".into())
        );

        let mut plain = metadata(&[REDIRECT]);
        plain["grant_types"] = json!(["authorization_code", "refresh_token"]);
        let plain = register(&server, plain).await;
        let answer = form(
            &server,
            "/oauth2/device",
            &[("client_id", &plain), ("scope", SCOPE)],
        )
        .await;
        assert_eq!(error(&answer), (400, "unauthorized_client".into()));
        let answer = form(&server, "/oauth2/device", &[("client_id", &client)]).await;
        assert_eq!(error(&answer), (400, "invalid_scope".into()));
    })
    .await;
}

#[tokio::test]
async fn pages_need_the_password_and_forget_it() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        for user in ["erika", "nobody"] {
            let wrong = json!({ "user": user, "password": "wrong one" });
            assert_eq!(
                refusal(page(&server, "sign_in", wrong).await),
                (403, "M_FORBIDDEN".into())
            );
        }
        let unknown = (401, "M_UNKNOWN_TOKEN".to_owned());
        let account = async |session: &str| page(&server, "account", json!({ "session": session })).await;
        for session in ["", "unknown", erika.token.as_str()] {
            assert_eq!(refusal(account(session).await), unknown);
        }
        let session = sign_in(&server, "erika").await;
        assert_eq!(account(&session).await.0, 200);
        let ended = sign_in(&server, "erika").await;
        page(&server, "sign_out", json!({ "session": ended })).await;
        assert_eq!(refusal(account(&ended).await), unknown);
        server.clock().advance(Duration::from_secs(15 * 60));
        assert_eq!(refusal(account(&session).await), unknown);
        // A new password ends it.
        let session = sign_in(&server, "erika").await;
        let body = json!({ "new_password": "another long passphrase", "logout_devices": false });
        let changed =
            crate::uia::by_password(&erika, "POST", "/_matrix/client/v3/account/password", body).await;
        assert_eq!(changed.0, 200);
        assert_eq!(refusal(account(&session).await), unknown);
        // What a page shows is no access token.
        assert_eq!(whoami(&server, &session).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn people_manage_their_account_on_the_page() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let session = sign_in(&server, "erika").await;
        let renamed = json!({ "session": session, "display_name": "Erika Muster" });
        assert_eq!(page(&server, "account/rename", renamed).await, (200, json!({})));
        let (_, account) = page(&server, "account", json!({ "session": session })).await;
        assert_eq!(account["display_name"], "Erika Muster");
        assert_eq!(account["devices"][0]["device_id"], erika.device.as_str());
        let device = json!({ "session": session, "device_id": erika.device });
        for _ in 0..2 {
            assert_eq!(
                page(&server, "account/sign_out_device", device.clone()).await,
                (200, json!({}))
            );
        }
        assert_eq!(erika.get("/_matrix/client/v3/account/whoami").await.0, 401);
        let wrong = json!({ "session": session, "password": "wrong one", "erase": false });
        assert_eq!(
            refusal(page(&server, "account/close", wrong).await),
            (403, "M_FORBIDDEN".into())
        );
        let close = json!({ "session": session, "password": PASSWORD, "erase": false });
        assert_eq!(page(&server, "account/close", close).await, (200, json!({})));
        let again = json!({ "user": "erika", "password": PASSWORD });
        assert_eq!(
            refusal(page(&server, "sign_in", again).await),
            (403, "M_FORBIDDEN".into())
        );
    })
    .await;
}

#[tokio::test]
async fn closing_an_account_stops_what_it_consented_to() {
    TestServer::each(async |server| {
        let erika: User = server.user("erika").await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let code = code(&server, &client).await;
        let body = json!({ "erase": false });
        crate::uia::by_password(&erika, "POST", "/_matrix/client/v3/account/deactivate", body).await;
        let answer = exchange(&server, &client, &code, &[]).await;
        assert_eq!(error(&answer), (400, "invalid_grant".into()));
    })
    .await;
}

#[tokio::test]
async fn an_operator_can_switch_either_way_to_sign_in_off() {
    TestServer::with(|settings| settings.legacy_login = false)
        .each(async |server| {
            let erika = server.user("erika").await;
            let flows = server.get("/_matrix/client/v3/login", None).await;
            assert_eq!(refusal(flows), (404, "M_UNRECOGNIZED".into()));
            let identifier = json!({ "type": "m.id.user", "user": "erika" });
            let body = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
            let answer = server.post("/_matrix/client/v3/login", None, body).await;
            assert_eq!(refusal(answer), (403, "M_FORBIDDEN".into()));
            let body = json!({ "user": "erika", "password": PASSWORD });
            let (status, own) = server.post("/_rohrpost/client/v1/login", None, body).await;
            assert_eq!((status, &own["user_id"]), (200, &json!(erika.id)), "{own}");
        })
        .await;
    TestServer::with(|settings| settings.oauth = false)
        .each(async |server| {
            server.user("erika").await;
            let answer = server.get("/_matrix/client/v1/auth_metadata", None).await;
            assert_eq!(refusal(answer), (404, "M_UNRECOGNIZED".into()));
            let (status, _) = server.post("/oauth2/register", None, metadata(&[REDIRECT])).await;
            assert_eq!(status, 404);
            let body = json!({ "user": "erika", "password": PASSWORD });
            assert_eq!(
                refusal(page(&server, "sign_in", body).await),
                (404, "M_UNRECOGNIZED".into())
            );
        })
        .await;
}

#[tokio::test]
async fn malformed_requests_of_clients_are_refused_in_their_words() {
    TestServer::each(async |server| {
        let client = register(&server, metadata(&[REDIRECT])).await;
        let twice = format!("grant_type=refresh_token&client_id={client}&client_id={client}&refresh_token=x");
        for (media_type, body) in [
            ("application/json", "{}"),
            ("", ""),
            ("application/x-www-form-urlencoded", ""),
            ("application/x-www-form-urlencoded", "grant_type=%00"),
            ("application/x-www-form-urlencoded", twice.as_str()),
        ] {
            let request = Request::post("/oauth2/token")
                .header("content-type", media_type)
                .body(Body::from(body.to_owned()))
                .expect("a request");
            let answer = server.ask(request).await;
            assert_eq!(error(&answer), (400, "invalid_request".into()), "{body}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
        let page = Request::get("/oauth2/authorize?client_id=x")
            .body(Body::empty())
            .expect("a request");
        let page = server.ask(page).await;
        assert_eq!(page.header("access-control-allow-origin"), "");
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
    })
    .await;
}

#[tokio::test]
async fn who_never_showed_a_program_the_password_allows_a_new_identity_on_the_page() {
    const UPLOAD: &str = "/_matrix/client/v3/keys/device_signing/upload";
    TestServer::each(async |server| {
        let (erika, _, _) = with_identity(&server, "erika", 10).await;
        let client = register(&server, metadata(&[REDIRECT])).await;
        let code = code(&server, &client).await;
        let tokens = exchange(&server, &client, &code, &[]).await.json();
        let erika = User {
            token: text(&tokens, "access_token"),
            device: "NEWDEVICE1".into(),
            ..erika
        };
        publish(&erika).await;
        let confirm = |auth: Value| {
            let mut body = Identity::new(20).body(&erika);
            body["auth"] = auth;
            body
        };
        let (status, asked) = erika.post(UPLOAD, Identity::new(20).body(&erika)).await;
        assert_eq!(status, 401, "{asked}");
        assert_eq!(asked["flows"], json!([{ "stages": ["m.oauth"] }]));
        let page_url = "https://test.example/account?action=org.matrix.cross_signing_reset";
        assert_eq!(asked["params"]["m.oauth"]["url"], page_url);
        let done = json!({ "session": asked["session"] });
        assert_eq!(erika.post(UPLOAD, confirm(done.clone())).await.0, 401);
        let identifier = json!({ "type": "m.id.user", "user": erika.id });
        let password = json!({
            "type": "m.login.password", "identifier": identifier, "password": PASSWORD, "session": asked["session"],
        });
        assert_eq!(erika.post(UPLOAD, confirm(password)).await.0, 401);
        // What somebody else allows is of no use.
        server.user("max").await;
        let max = sign_in(&server, "max").await;
        page(&server, "account/allow_identity_reset", json!({ "session": max })).await;
        assert_eq!(erika.post(UPLOAD, confirm(done.clone())).await.0, 401);
        let session = sign_in(&server, "erika").await;
        let allowed = page(&server, "account/allow_identity_reset", json!({ "session": session })).await;
        assert_eq!(allowed, (200, json!({})));
        assert_eq!(erika.post(UPLOAD, confirm(done)).await, (200, json!({})));
        // It was good once.
        let (status, asked) = erika.post(UPLOAD, Identity::new(30).body(&erika)).await;
        assert_eq!(status, 401);
        let mut body = Identity::new(30).body(&erika);
        body["auth"] = json!({ "session": asked["session"] });
        assert_eq!(erika.post(UPLOAD, body).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn where_no_accounts_are_made_no_page_is_said_to_make_one() {
    TestServer::with(|settings| settings.registration = Registration::Closed)
        .each(async |server| {
            let (_, metadata) = server.get("/_matrix/client/v1/auth_metadata", None).await;
            assert_eq!(metadata["prompt_values_supported"], json!([]));
        })
        .await;
}

#[tokio::test]
async fn what_needs_a_password_is_done_on_the_page_by_those_who_never_showed_theirs() {
    TestServer::each(async |server| {
        let (_, tokens) = signed_in(&server).await;
        let erika = User {
            server: server.clone(),
            id: ruma::UserId::parse("@erika:test.example").expect("a user id"),
            token: text(&tokens, "access_token"),
            device: "NEWDEVICE1".into(),
        };
        let identifier = json!({ "type": "m.id.user", "user": erika.id });
        let auth = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
        for (method, path, mut body) in [
            (
                "POST",
                "/_matrix/client/v3/delete_devices",
                json!({ "devices": ["NEWDEVICE1"] }),
            ),
            ("DELETE", "/_matrix/client/v3/devices/NEWDEVICE1", json!({})),
            (
                "POST",
                "/_matrix/client/v3/account/deactivate",
                json!({ "erase": true }),
            ),
            (
                "POST",
                "/_matrix/client/v3/account/password",
                json!({ "new_password": "another long passphrase" }),
            ),
            (
                "POST",
                "/_matrix/client/v3/account/3pid/add",
                json!({ "sid": "x", "client_secret": "y" }),
            ),
            ("POST", "/_matrix/client/v1/login/get_token", json!({})),
        ] {
            for auth in [Value::Null, auth.clone()] {
                if !auth.is_null() {
                    body["auth"] = auth;
                }
                let (status, refused) = server
                    .call(method, path, Some(&erika.token), Some(body.clone()))
                    .await;
                assert_eq!(
                    refusal((status, refused.clone())),
                    (403, "M_FORBIDDEN".into()),
                    "{path}: {refused}"
                );
                let words = refused["error"].as_str().unwrap_or_default();
                assert!(words.contains("https://test.example/account"), "{words}");
            }
        }
        assert_eq!(whoami(&server, &erika.token).await.0, 200);
        let (_, told) = erika.get("/_matrix/client/v3/capabilities").await;
        for name in ["m.change_password", "m.3pid_changes", "m.get_login_token"] {
            assert_eq!(told["capabilities"][name]["enabled"], json!(false), "{name}");
        }
        let max = server.user("max").await;
        let (_, told) = max.get("/_matrix/client/v3/capabilities").await;
        assert_eq!(told["capabilities"]["m.change_password"]["enabled"], json!(true));
    })
    .await;
}
