//! Signing in and out.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use http::{Request, header};
use rohrpost_core::{
    accounts::deactivate,
    limits::{Kind, Rates},
    settings::Rate,
};
use rohrpost_testkit::{PASSWORD, TestServer, User, enc};
use serde_json::{Value, json};

use crate::{
    figures::{Figures, PASSWORDS_HASHED, SYNCS_WAITING},
    uia::{by_password, refusal},
};

const LOGIN: &str = "/_matrix/client/v3/login";
const REFRESH: &str = "/_matrix/client/v3/refresh";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

fn with(user: &str, password: &str) -> Value {
    json!({ "type": "m.login.password", "identifier": { "type": "m.id.user", "user": user }, "password": password })
}

fn text(json: &Value, key: &str) -> String {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is missing in {json}"))
        .to_owned()
}

#[tokio::test]
async fn people_sign_in_by_name_or_full_id_in_any_case() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let (_, flows) = server.get(LOGIN, None).await;
        assert_eq!(flows["flows"][0], json!({ "type": "m.login.password" }));
        for user in ["erika", "Erika", "@erika:test.example", "@ERIKA:test.example"] {
            let (status, signed_in) = server.post(LOGIN, None, with(user, PASSWORD)).await;
            assert_eq!(status, 200, "{signed_in}");
            assert_eq!(signed_in["user_id"], "@erika:test.example");
            assert!(signed_in.get("refresh_token").is_none() && signed_in.get("expires_in_ms").is_none());
            let (_, me) = server.get(WHOAMI, signed_in["access_token"].as_str()).await;
            assert_eq!(me["device_id"], signed_in["device_id"]);
        }
        let deprecated = json!({ "type": "m.login.password", "user": "erika", "password": PASSWORD });
        assert_eq!(server.post(LOGIN, None, deprecated).await.0, 200);
        assert_eq!(
            server
                .post("/_matrix/client/r0/login", None, with("erika", PASSWORD))
                .await
                .0,
            200
        );
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let wrong = server.post(LOGIN, None, with("erika", "a wrong password")).await;
        assert_eq!(refusal(wrong.clone()), (403, "M_FORBIDDEN".into()));
        for name in [
            "nobody",
            "@erika:other.example",
            "@",
            "",
            "erika:test.example",
            "ü",
        ] {
            assert_eq!(
                server.post(LOGIN, None, with(name, PASSWORD)).await,
                wrong,
                "{name}"
            );
        }
        assert_eq!(
            server.post(LOGIN, None, with("erika", &"x".repeat(60_000))).await,
            wrong
        );
    })
    .await;
}

#[tokio::test]
async fn refuses_malformed_sign_ins() {
    let server = TestServer::sqlite().await;
    for (body, errcode) in [
        (json!({}), "M_BAD_JSON"),
        (json!([]), "M_BAD_JSON"),
        (json!({ "type": 5 }), "M_BAD_JSON"),
        (json!({ "type": "m.login.token", "token": 1 }), "M_BAD_JSON"),
        (json!({ "type": "m.login.sorcery" }), "M_UNKNOWN"),
        (
            json!({ "type": "m.login.password", "password": "x" }),
            "M_MISSING_PARAM",
        ),
        (json!({ "type": "m.login.password", "user": "x" }), "M_BAD_JSON"),
        (
            json!({ "type": "m.login.password", "password": "x", "identifier": { "type": "m.id.phone", "country": "DE", "phone": "1" } }),
            "M_UNKNOWN",
        ),
    ] {
        assert_eq!(
            refusal(server.post(LOGIN, None, body.clone()).await),
            (400, errcode.into()),
            "{body}"
        );
    }
    let request = Request::post(LOGIN).body(Body::from("{\"type\":")).unwrap();
    let answer = server.ask(request).await;
    assert_eq!(
        (answer.status, answer.json()["errcode"].as_str()),
        (400, Some("M_NOT_JSON"))
    );
}

#[tokio::test]
async fn only_a_whole_and_single_token_is_taken() {
    let server = TestServer::sqlite().await;
    let erika = server.user("erika").await;
    let ask = async |headers: &[String], query: &str| {
        let mut request = Request::get(format!("{WHOAMI}{query}"));
        for value in headers {
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = server.ask(request.body(Body::empty()).unwrap()).await;
        (
            answer.status,
            answer.json()["errcode"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let good = format!("Bearer {}", erika.token);
    assert_eq!(ask(std::slice::from_ref(&good), "").await.0, 200);
    assert_eq!(ask(&[], "").await, (401, "M_MISSING_TOKEN".into()));
    assert_eq!(
        ask(&[], &format!("?access_token={}", erika.token)).await,
        (401, "M_MISSING_TOKEN".into())
    );
    for bad in [
        "Bearer ",
        "Bearer",
        "Bearer null",
        "Bearer undefined",
        "Basic YTpi",
        "",
    ] {
        let (status, errcode) = ask(&[bad.to_owned()], "").await;
        assert_eq!(status, 401, "{bad}");
        assert!(
            errcode == "M_UNKNOWN_TOKEN" || errcode == "M_MISSING_TOKEN",
            "{bad}: {errcode}"
        );
    }
    let long = format!("Bearer {}", "x".repeat(10_000));
    for bad in [
        vec![good.clone(), good.clone()],
        vec![format!("{good}x")],
        vec![good[..good.len() - 1].to_owned()],
        vec![long],
    ] {
        assert_eq!(ask(&bad, "").await, (401, "M_UNKNOWN_TOKEN".into()), "{bad:?}");
    }
}

#[tokio::test]
async fn signing_in_again_on_a_device_signs_it_out_first() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let mut body = with("erika", PASSWORD);
        body["device_id"] = "AKTE".into();
        body["initial_device_display_name"] = "Amtszimmer".into();
        let (_, first) = server.post(LOGIN, None, body.clone()).await;
        body["initial_device_display_name"] = "anders".into();
        let (_, second) = server.post(LOGIN, None, body).await;
        assert_eq!(
            (first["device_id"].as_str(), second["device_id"].as_str()),
            (Some("AKTE"), Some("AKTE"))
        );
        let answer = server.get(WHOAMI, first["access_token"].as_str()).await;
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        let token = second["access_token"].as_str();
        let (_, device) = server.get("/_matrix/client/v3/devices/AKTE", token).await;
        assert_eq!(device["display_name"], "Amtszimmer");
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_this_device_and_all_ends_all() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let (second, third) = (erika.another_device().await, erika.another_device().await);
        assert_eq!(
            second.post("/_matrix/client/v3/logout", json!({})).await,
            (200, json!({}))
        );
        for _ in 0..2 {
            let answer = second.post("/_matrix/client/v3/logout", json!({})).await;
            assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        }
        let (_, devices) = erika.get("/_matrix/client/v3/devices").await;
        assert_eq!(devices["devices"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            third.post("/_matrix/client/v3/logout/all", json!({})).await.0,
            200
        );
        for user in [&erika, &third] {
            assert_eq!(refusal(user.get(WHOAMI).await), (401, "M_UNKNOWN_TOKEN".into()));
        }
        assert_eq!(
            refusal(server.post("/_matrix/client/v3/logout", None, json!({})).await),
            (401, "M_MISSING_TOKEN".into())
        );
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_a_request_that_waits() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let second = erika.another_device().await;
        let since = second.sync(None).await["next_batch"].as_str().unwrap().to_owned();
        let path = format!("/_matrix/client/v3/sync?timeout=30000&since={since}");
        let signing_out = async {
            figures.until(SYNCS_WAITING, 1).await;
            assert_eq!(second.post("/_matrix/client/v3/logout", json!({})).await.0, 200);
        };
        // Whoever isn't woken is answered with 200 when the time is up.
        let (answer, ()) = tokio::join!(second.get(&path), signing_out);
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
    })
    .await;
}

async fn sign_in_with_refresh(server: &TestServer) -> (User, Value) {
    let erika = server.user("erika").await;
    let mut body = with("erika", PASSWORD);
    body["refresh_token"] = true.into();
    let (status, signed_in) = server.post(LOGIN, None, body).await;
    assert_eq!(status, 200, "{signed_in}");
    (erika, signed_in)
}

async fn refresh(server: &TestServer, tokens: &Value) -> (u16, Value) {
    server
        .post(REFRESH, None, json!({ "refresh_token": tokens["refresh_token"] }))
        .await
}

async fn whoami(server: &TestServer, tokens: &Value) -> (u16, Value) {
    server.get(WHOAMI, Some(&text(tokens, "access_token"))).await
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_when_the_access_token_ends() {
    TestServer::each(async |server| {
        let (_, first) = sign_in_with_refresh(&server).await;
        assert_eq!(first["expires_in_ms"], 3_600_000);
        assert_eq!(whoami(&server, &first).await.0, 200);
        server.clock().advance(Duration::from_secs(3601));
        let (status, answer) = whoami(&server, &first).await;
        assert_eq!(
            (status, &answer["errcode"], &answer["soft_logout"]),
            (401, &json!("M_UNKNOWN_TOKEN"), &json!(true))
        );
        let (status, second) = refresh(&server, &first).await;
        assert_eq!(
            (status, &second["expires_in_ms"]),
            (200, &json!(3_600_000)),
            "{second}"
        );
        let (_, me) = whoami(&server, &second).await;
        assert_eq!(me["device_id"], first["device_id"]);
        let (status, third) = refresh(&server, &second).await;
        assert_eq!(status, 200);
        assert_eq!(whoami(&server, &third).await.0, 200);
        // An access token is no refresh token, and the other way round.
        let swapped =
            json!({ "refresh_token": third["access_token"], "access_token": third["refresh_token"] });
        assert_eq!(
            refusal(refresh(&server, &swapped).await),
            (401, "M_UNKNOWN_TOKEN".into())
        );
        assert_eq!(
            refusal(whoami(&server, &swapped).await),
            (401, "M_UNKNOWN_TOKEN".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_can_be_asked_for_again() {
    TestServer::each(async |server| {
        let (_, first) = sign_in_with_refresh(&server).await;
        server.clock().advance(Duration::from_secs(10));
        let (_, lost) = refresh(&server, &first).await;
        server.clock().advance(Duration::from_secs(600));
        let (status, second) = refresh(&server, &first).await;
        assert_eq!(status, 200, "{second}");
        assert_eq!(
            refusal(whoami(&server, &lost).await),
            (401, "M_UNKNOWN_TOKEN".into()),
            "what was lost is void"
        );
        assert_eq!(whoami(&server, &second).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_sign_in() {
    TestServer::each(async |server| {
        for by_access_token in [true, false] {
            let name = if by_access_token { "erika" } else { "max" };
            server.user(name).await;
            let mut body = with(name, PASSWORD);
            body["refresh_token"] = true.into();
            let (_, first) = server.post(LOGIN, None, body).await;
            server.clock().advance(Duration::from_secs(1));
            let (_, second) = refresh(&server, &first).await;
            let newest = if by_access_token {
                assert_eq!(whoami(&server, &second).await.0, 200);
                second
            } else {
                server.clock().advance(Duration::from_secs(1));
                refresh(&server, &second).await.1
            };
            // Two windows at the same moment are no theft.
            assert_eq!(
                refusal(refresh(&server, &first).await),
                (401, "M_UNKNOWN_TOKEN".into())
            );
            assert_eq!(whoami(&server, &newest).await.0, 200);
            server.clock().advance(Duration::from_secs(61));
            assert_eq!(
                refusal(refresh(&server, &first).await),
                (401, "M_UNKNOWN_TOKEN".into())
            );
            assert_eq!(
                refusal(whoami(&server, &newest).await),
                (401, "M_UNKNOWN_TOKEN".into())
            );
            assert_eq!(
                refusal(refresh(&server, &newest).await),
                (401, "M_UNKNOWN_TOKEN".into())
            );
        }
    })
    .await;
}

#[tokio::test]
async fn tokens_are_not_kept() {
    let server = TestServer::sqlite().await;
    let (erika, tokens) = sign_in_with_refresh(&server).await;
    let secrets = [
        erika.token.clone(),
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
        PASSWORD.to_owned(),
    ];
    for entry in std::fs::read_dir(server.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let kept = std::fs::read(&path).unwrap();
            for secret in &secrets {
                assert!(
                    !kept
                        .windows(secret.len())
                        .any(|window| window == secret.as_bytes()),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[tokio::test]
async fn too_many_failures_on_one_account_are_slowed_down_and_others_are_not() {
    let limited = TestServer::with(|settings| {
        settings.limits = Some(Rates::new([(
            Kind::LoginPerAccount,
            Rate {
                per_second: 0.1,
                burst: 3,
            },
        )]));
    });
    let server = limited.sqlite().await;
    server.user("erika").await;
    server.user("max").await;
    for name in ["erika", "nobody"] {
        for _ in 0..3 {
            assert_eq!(
                refusal(server.post(LOGIN, None, with(name, "a wrong one")).await),
                (403, "M_FORBIDDEN".into())
            );
        }
        let answer = server.post(LOGIN, None, with(name, PASSWORD)).await;
        assert_eq!(refusal(answer), (429, "M_LIMIT_EXCEEDED".into()), "{name}");
    }
    for _ in 0..10 {
        assert_eq!(
            server.post(LOGIN, None, with("max", PASSWORD)).await.0,
            200,
            "success doesn't count"
        );
    }
    server.clock().advance(Duration::from_secs(10));
    assert_eq!(server.post(LOGIN, None, with("erika", PASSWORD)).await.0, 200);
}

#[tokio::test]
async fn what_a_request_says_of_its_origin_does_not_get_round_a_limit() {
    let limited = TestServer::with(|settings| {
        settings.limits = Some(Rates::new([(
            Kind::LoginPerAddress,
            Rate {
                per_second: 0.1,
                burst: 3,
            },
        )]));
    });
    let server = limited.sqlite().await;
    server.user("erika").await;
    let ask = async |peer: &str, number: u8| {
        let forged = format!("198.51.100.{number}");
        let mut request = Request::post(LOGIN)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::FORWARDED, format!("for={forged}"));
        for name in [
            "x-forwarded-for",
            "x-real-ip",
            "x-client-ip",
            "cf-connecting-ip",
            "true-client-ip",
        ] {
            request = request.header(name, &forged);
        }
        let body = Body::from(with("erika", PASSWORD).to_string());
        let mut request = request.body(body).expect("a request");
        let peer = SocketAddr::new(peer.parse().expect("an address"), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        server.ask(request).await.status
    };
    for number in 1..=3 {
        assert_eq!(ask("192.0.2.1", number).await, 200);
    }
    assert_eq!(ask("192.0.2.1", 4).await, 429);
    // One network of IPv6 is one peer.
    for (number, peer) in ["2001:db8::1", "2001:db8::2", "2001:db8::3"].iter().enumerate() {
        assert_eq!(ask(peer, number as u8).await, 200);
    }
    assert_eq!(ask("2001:db8::4", 9).await, 429);
    assert_eq!(ask("192.0.2.2", 5).await, 200, "others aren't held up");
}

#[tokio::test]
async fn refusing_a_password_takes_the_same_work_whether_there_is_an_account_or_not() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        server.user("erika").await;
        let closed = server.user("closed").await;
        let traces = deactivate::Traces::Keep;
        deactivate::deactivate_other(&server.core(), closed.id, traces)
            .await
            .expect("the store works");
        let once = BTreeMap::from([("memory_kib=8 iterations=1 parallelism=1".to_owned(), 1)]);
        for name in ["erika", "nobody", "closed", "@erika:other.example", "ü", ""] {
            let wrong = "a wrong one";
            for (path, body) in [
                (LOGIN, with(name, wrong)),
                (
                    "/_rohrpost/client/v1/oauth/sign_in",
                    json!({ "user": name, "password": wrong }),
                ),
            ] {
                figures.take(PASSWORDS_HASHED);
                assert_eq!(server.post(path, None, body).await.0, 403, "{name}");
                assert_eq!(figures.take(PASSWORDS_HASHED), once, "{path} {name}");
            }
        }
    })
    .await;
}

/// The ways by which somebody may be signed out who waits.
const WAYS_OUT: [&str; 6] = [
    "logout",
    "logout/all",
    "a removed device",
    "revoked",
    "closed",
    "locked",
];

#[tokio::test]
async fn whoever_waits_is_told_at_once_that_they_are_signed_out() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let root = server.administrator("root").await;
        for (number, way) in WAYS_OUT.into_iter().enumerate() {
            let erika = server.user(&format!("erika-{number}")).await;
            let second = erika.another_device().await;
            let since = second.sync(None).await["next_batch"].as_str().unwrap().to_owned();
            let sliding = "/_matrix/client/v4/sync";
            let (_, first) = second.post(sliding, json!({})).await;
            let pos = text(&first, "pos");
            let end = async {
                figures.until(SYNCS_WAITING, 2).await;
                let (status, answer) = match way {
                    "logout" => second.post("/_matrix/client/v3/logout", json!({})).await,
                    "logout/all" => erika.post("/_matrix/client/v3/logout/all", json!({})).await,
                    "a removed device" => {
                        let body = json!({ "devices": [second.device] });
                        by_password(&erika, "POST", "/_matrix/client/v3/delete_devices", body).await
                    }
                    "revoked" => {
                        let form = format!("token={}", second.token);
                        let request = Request::post("/oauth2/revoke")
                            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                        let answer = server
                            .ask(request.body(Body::from(form)).expect("a request"))
                            .await;
                        (answer.status, json!({}))
                    }
                    "closed" => {
                        let path = "/_matrix/client/v3/account/deactivate";
                        by_password(&erika, "POST", path, json!({ "erase": false })).await
                    }
                    _ => {
                        let path = format!("/_matrix/client/v1/admin/lock/{}", enc(erika.id.as_str()));
                        root.put(&path, json!({ "locked": true })).await
                    }
                };
                assert_eq!(status, 200, "{way}: {answer}");
            };
            // Whoever isn't woken is answered with 200 when the time is up.
            let path = format!("/_matrix/client/v3/sync?timeout=30000&since={since}");
            let sliding = format!("{sliding}?timeout=30000&pos={}", enc(&pos));
            let (one, two, ()) = tokio::join!(second.get(&path), second.post(&sliding, json!({})), end);
            let expected = match way {
                "locked" => "M_USER_LOCKED",
                _ => "M_UNKNOWN_TOKEN",
            };
            for (kind, answer) in [("sync", one), ("sliding sync", two)] {
                assert_eq!(
                    refusal(answer.clone()),
                    (401, expected.into()),
                    "{way}, {kind}: {}",
                    answer.1
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_says_they_are_signed_in_must_be_to_change_a_password() {
    const PATH: &str = "/_matrix/client/v3/account/password";
    TestServer::each(async |server| {
        let root = server.administrator("root").await;
        let (erika, tokens) = sign_in_with_refresh(&server).await;
        let change = async |token: &str| {
            let body = json!({ "new_password": "another long passphrase" });
            server.post(PATH, Some(token), body).await
        };
        for token in ["", "null", "wrong"] {
            assert_eq!(
                refusal(change(token).await),
                (401, "M_UNKNOWN_TOKEN".into()),
                "{token}"
            );
        }
        // The client is to refresh its token and to ask again.
        server.clock().advance(Duration::from_secs(60 * 60));
        let answer = change(&text(&tokens, "access_token")).await;
        assert_eq!(answer.1["soft_logout"], json!(true), "{}", answer.1);
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        let lock = format!("/_matrix/client/v1/admin/lock/{}", enc(erika.id.as_str()));
        assert_eq!(root.put(&lock, json!({ "locked": true })).await.0, 200);
        assert_eq!(refusal(change(&erika.token).await), (401, "M_USER_LOCKED".into()));
    })
    .await;
}
