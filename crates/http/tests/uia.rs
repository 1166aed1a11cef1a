//! User-interactive authentication, and what other tests need of it.

use std::time::Duration;

use rohrpost_testkit::{PASSWORD, TestServer, User};
use serde_json::{Value, json};

/// Status and errcode.
pub(crate) fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

fn proof(user: &User, password: &str, session: &Value) -> Value {
    let identifier = json!({ "type": "m.id.user", "user": user.id });
    json!({ "type": "m.login.password", "identifier": identifier, "password": password, "session": session })
}

/// Asks for an operation, is asked who they are, and says it with their password.
pub(crate) async fn by_password(user: &User, method: &str, path: &str, body: Value) -> (u16, Value) {
    let ask = async |body: Value| {
        user.server
            .call(method, path, Some(&user.token), Some(body))
            .await
    };
    let (status, asked) = ask(body.clone()).await;
    assert_eq!(status, 401, "{asked}");
    let mut confirmed = body;
    confirmed["auth"] = proof(user, PASSWORD, &asked["session"]);
    ask(confirmed).await
}

const PATH: &str = "/_matrix/client/v3/delete_devices";

async fn begin(user: &User, devices: &[&str]) -> Value {
    let (status, asked) = user.post(PATH, json!({ "devices": devices })).await;
    assert_eq!(status, 401, "{asked}");
    assert_eq!(asked["flows"], json!([{ "stages": ["m.login.password"] }]));
    assert!(asked.get("errcode").is_none(), "{asked}");
    asked["session"].clone()
}

#[tokio::test]
async fn a_wrong_password_may_be_tried_again_in_the_same_session() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let session = begin(&erika, &[]).await;
        let body = |auth: Value| json!({ "devices": [], "auth": auth });
        let (status, asked) = erika
            .post(PATH, body(proof(&erika, "a wrong one", &session)))
            .await;
        assert_eq!(
            (status, &asked["errcode"]),
            (401, &json!("M_FORBIDDEN")),
            "{asked}"
        );
        assert_eq!(
            (&asked["session"], &asked["flows"][0]["stages"][0]),
            (&session, &json!("m.login.password"))
        );
        assert_eq!(
            erika.post(PATH, body(proof(&erika, PASSWORD, &session))).await,
            (200, json!({}))
        );
    })
    .await;
}

#[tokio::test]
async fn a_session_is_good_once() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let session = begin(&erika, &["X"]).await;
        let body = json!({ "devices": ["X"], "auth": proof(&erika, PASSWORD, &session) });
        assert_eq!(erika.post(PATH, body.clone()).await.0, 200);
        let (status, asked) = erika.post(PATH, body).await;
        assert_eq!(status, 401, "{asked}");
        assert_ne!(asked["session"], session);
        // And once only when many try at the same time.
        let session = begin(&erika, &["X"]).await;
        let body = json!({ "devices": ["X"], "auth": proof(&erika, PASSWORD, &session) });
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (erika, body) = (erika.clone(), body.clone());
            tasks.spawn(async move { erika.post(PATH, body).await.0 });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_unstable();
        assert_eq!((answers[0], answers[1]), (200, 401), "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn a_session_is_for_one_operation_one_body_and_one_user() {
    TestServer::each(async |server| {
        let (erika, max) = (server.user("erika").await, server.user("max").await);
        let session = begin(&erika, &["X"]).await;
        let other_body = json!({ "devices": ["Y"], "auth": proof(&erika, PASSWORD, &session) });
        assert_eq!(erika.post(PATH, other_body).await.0, 401);
        let other_operation =
            json!({ "new_password": "x y z a b c", "auth": proof(&erika, PASSWORD, &session) });
        assert_eq!(
            erika
                .post("/_matrix/client/v3/account/password", other_operation)
                .await
                .0,
            401
        );
        let other_user = json!({ "devices": ["X"], "auth": proof(&max, PASSWORD, &session) });
        assert_eq!(max.post(PATH, other_user).await.0, 401);
        let somebody_else = json!({ "devices": ["X"], "auth": proof(&max, PASSWORD, &session) });
        let answer = erika.post(PATH, somebody_else).await;
        assert_eq!(
            refusal(answer),
            (401, "M_FORBIDDEN".into()),
            "the password of another account"
        );
        // What the path names is part of the operation.
        let device = |id: &str| format!("/_matrix/client/v3/devices/{id}");
        let (_, asked) = server
            .call("DELETE", &device("X"), Some(&erika.token), Some(json!({})))
            .await;
        let body = json!({ "auth": proof(&erika, PASSWORD, &asked["session"]) });
        assert_eq!(
            server
                .call("DELETE", &device("Y"), Some(&erika.token), Some(body.clone()))
                .await
                .0,
            401
        );
        assert_eq!(
            server
                .call("DELETE", &device("X"), Some(&erika.token), Some(body))
                .await
                .0,
            200
        );
        // It is still good for what it was made for.
        let body = json!({ "devices": ["X"], "auth": proof(&erika, PASSWORD, &session) });
        assert_eq!(erika.post(PATH, body).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_after_a_quarter_of_an_hour() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let session = begin(&erika, &[]).await;
        server.clock().advance(Duration::from_secs(15 * 60));
        let body = json!({ "devices": [], "auth": proof(&erika, PASSWORD, &session) });
        assert_eq!(erika.post(PATH, body).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn a_session_alone_and_other_ways_prove_nothing() {
    let server = TestServer::sqlite().await;
    let erika = server.user("erika").await;
    let session = begin(&erika, &[]).await;
    for auth in [
        json!({ "session": session }),
        json!({ "type": "m.login.dummy", "session": session }),
        json!({ "type": "m.login.registration_token", "token": "x", "session": session }),
        json!({ "type": "org.example.sorcery", "session": session }),
        json!({ "session": "made up" }),
    ] {
        let (status, asked) = erika.post(PATH, json!({ "devices": [], "auth": auth })).await;
        assert_eq!(status, 401, "{auth}: {asked}");
        assert_eq!(asked["flows"], json!([{ "stages": ["m.login.password"] }]));
    }
    for auth in [
        json!({}),
        json!(5),
        json!({ "type": "m.login.password", "session": session }),
    ] {
        let answer = erika.post(PATH, json!({ "devices": [], "auth": auth })).await;
        assert_eq!(refusal(answer), (400, "M_BAD_JSON".into()), "{auth}");
    }
}

#[tokio::test]
async fn a_session_survives_a_restart() {
    let server = TestServer::sqlite().await;
    let erika = server.user("erika").await;
    let session = begin(&erika, &[]).await;
    server.restart().await;
    let body = json!({ "devices": [], "auth": proof(&erika, PASSWORD, &session) });
    assert_eq!(erika.post(PATH, body).await.0, 200);
}
