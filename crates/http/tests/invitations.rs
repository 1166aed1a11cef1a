//! Invitation links.

use std::time::Duration;

use rohrpost_core::settings::Registration;
use rohrpost_testkit::{PASSWORD, TestServer, User};
use serde_json::{Value, json};

use crate::uia::refusal;

const INVITATIONS: &str = "/_rohrpost/admin/v1/invitations";
const REGISTER: &str = "/_matrix/client/v3/register";

fn accept(name: &str, token: &str) -> Value {
    let auth = json!({ "type": "m.login.registration_token", "token": token });
    json!({ "username": name, "password": PASSWORD, "auth": auth })
}

async fn invite(administrator: &User, body: Value) -> String {
    let (status, made) = administrator.post(INVITATIONS, body).await;
    assert_eq!(status, 200, "{made}");
    let token = made["token"].as_str().expect("a token").to_owned();
    assert_eq!(made["link"], format!("https://test.example/#/invite/{token}"));
    token
}

async fn is_valid(server: &TestServer, token: &str) -> bool {
    let path = format!("/_matrix/client/v1/register/m.login.registration_token/validity?token={token}");
    server.get(&path, None).await.1["valid"]
        .as_bool()
        .expect("an answer")
}

fn by_invitation() -> rohrpost_testkit::Builder {
    TestServer::with(|settings| settings.registration = Registration::Invite)
}

#[tokio::test]
async fn an_invitation_makes_one_account() {
    by_invitation()
        .each(async |server| {
            let admin = server.administrator("admin").await;
            let token = invite(&admin, json!({})).await;
            assert!(is_valid(&server, &token).await);
            let (status, asked) = server.post(REGISTER, None, json!({})).await;
            assert_eq!(
                (status, &asked["flows"]),
                (401, &json!([{ "stages": ["m.login.registration_token"] }]))
            );
            let mut body = accept("erika", &token);
            body["auth"]["session"] = asked["session"].clone();
            let (status, made) = server.post(REGISTER, None, body).await;
            assert_eq!(status, 200, "{made}");
            let (_, account) = server
                .get("/_rohrpost/client/v1/account", made["access_token"].as_str())
                .await;
            assert_eq!(account["administrator"], false);
            assert!(!is_valid(&server, &token).await);
            let answer = server.post(REGISTER, None, accept("max", &token)).await;
            assert_eq!(refusal(answer), (401, "M_FORBIDDEN".into()));
            assert_eq!(admin.get(INVITATIONS).await, (200, json!({ "invitations": [] })));
        })
        .await;
}

#[tokio::test]
async fn an_invitation_makes_an_administrator_where_registration_is_open_too() {
    TestServer::each(async |server| {
        let admin = server.administrator("admin").await;
        let token = invite(&admin, json!({ "administrator": true })).await;
        for (name, is_administrator) in [("erika", true), ("max", false)] {
            let mut body = accept(name, &token);
            if !is_administrator {
                let used_up = server.post(REGISTER, None, body.clone()).await;
                assert_eq!(refusal(used_up), (401, "M_FORBIDDEN".into()));
                body["auth"] = json!({ "type": "m.login.dummy" });
            }
            let (status, made) = server.post(REGISTER, None, body).await;
            assert_eq!(status, 200, "{made}");
            let (_, account) = server
                .get("/_rohrpost/client/v1/account", made["access_token"].as_str())
                .await;
            assert_eq!(account["administrator"], is_administrator, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_registration_leaves_the_invitation_as_it_was() {
    by_invitation()
        .each(async |server| {
            let admin = server.administrator("admin").await;
            let token = invite(&admin, json!({})).await;
            for (name, errcode) in [("admin", "M_USER_IN_USE"), ("ü", "M_INVALID_USERNAME")] {
                let answer = server.post(REGISTER, None, accept(name, &token)).await;
                assert_eq!(refusal(answer), (400, errcode.into()));
            }
            assert_eq!(server.post(REGISTER, None, accept("erika", &token)).await.0, 200);
        })
        .await;
}

#[tokio::test]
async fn fifty_who_use_one_invitation_at_the_same_time_make_one_account() {
    by_invitation()
        .each(async |server| {
            let admin = server.administrator("admin").await;
            let token = invite(&admin, json!({})).await;
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0..50 {
                let (server, token) = (server.clone(), token.clone());
                tasks.spawn(async move {
                    server
                        .post(REGISTER, None, accept(&format!("user{number}"), &token))
                        .await
                });
            }
            let answers = tasks.join_all().await;
            let made = answers.iter().filter(|answer| answer.0 == 200).count();
            assert_eq!(made, 1);
            assert!(
                answers.iter().all(|answer| matches!(answer.0, 200 | 401 | 403)),
                "{answers:?}"
            );
        })
        .await;
}

#[tokio::test]
async fn an_invitation_may_make_several_accounts_and_administrators_and_ends_in_time() {
    by_invitation()
        .each(async |server| {
            let admin = server.administrator("admin").await;
            let body = json!({ "uses": 2, "expires_in_ms": 60_000, "administrator": true });
            let token = invite(&admin, body).await;
            let (_, made) = server.post(REGISTER, None, accept("erika", &token)).await;
            let (_, account) = server
                .get("/_rohrpost/client/v1/account", made["access_token"].as_str())
                .await;
            assert_eq!(account["administrator"], true);
            let (_, list) = admin.get(INVITATIONS).await;
            assert_eq!(list["invitations"][0]["uses_left"], 1);
            assert!(!list.to_string().contains(&token));
            server.clock().advance(Duration::from_secs(60));
            assert!(!is_valid(&server, &token).await);
            let answer = server.post(REGISTER, None, accept("max", &token)).await;
            assert_eq!(refusal(answer), (401, "M_FORBIDDEN".into()));
        })
        .await;
}

#[tokio::test]
async fn an_invitation_can_be_withdrawn() {
    by_invitation()
        .each(async |server| {
            let admin = server.administrator("admin").await;
            let token = invite(&admin, json!({})).await;
            let (_, list) = admin.get(INVITATIONS).await;
            let id = list["invitations"][0]["id"].as_str().unwrap().to_owned();
            let path = format!("{INVITATIONS}/{id}");
            assert_eq!(admin.delete(&path).await, (200, json!({})));
            assert!(!is_valid(&server, &token).await);
            assert_eq!(refusal(admin.delete(&path).await), (404, "M_NOT_FOUND".into()));
        })
        .await;
}

#[tokio::test]
async fn only_administrators_look_after_invitations() {
    let server = by_invitation().sqlite().await;
    let erika = server.user("erika").await;
    let path = format!("{INVITATIONS}/abc");
    for token in [None, Some(erika.token.as_str())] {
        let expected = if token.is_some() {
            (403, "M_FORBIDDEN".into())
        } else {
            (401, "M_MISSING_TOKEN".into())
        };
        assert_eq!(refusal(server.get(INVITATIONS, token).await), expected);
        assert_eq!(
            refusal(server.post(INVITATIONS, token, json!({})).await),
            expected
        );
        assert_eq!(refusal(server.delete(&path, token).await), expected);
    }
    let admin = server.administrator("admin").await;
    for body in [
        json!({ "uses": 0 }),
        json!({ "uses": 100_000 }),
        json!({ "expires_in_ms": 0 }),
    ] {
        assert_eq!(
            refusal(admin.post(INVITATIONS, body).await),
            (400, "M_INVALID_PARAM".into())
        );
    }
    for body in [
        json!({ "uses": -1 }),
        json!({ "uses": "1" }),
        json!({ "expires_in_ms": 1e300 }),
        json!([]),
    ] {
        assert_eq!(
            refusal(admin.post(INVITATIONS, body).await),
            (400, "M_BAD_JSON".into())
        );
    }
}
