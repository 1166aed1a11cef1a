//! What people do among each other and with other services: shared rooms, invitations they don't want, further fields
//! of profiles, tokens for a new device or another service. Over the client-server API on both engines.

use rohrpost_core::accounts::openid;
use rohrpost_testkit::{PASSWORD, TestServer, User, enc};
use serde_json::{Value, json};

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn shared_rooms_are_listed_for_both() {
    TestServer::each(async |server| {
        let (alice, bob, carol) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("carol").await,
        );
        let mut shared = Vec::new();
        for number in 0..3 {
            let room = alice.create_room(json!({ "preset": "public_chat" })).await;
            match number {
                2 => alice.invite(&room, &bob).await,
                _ => {
                    bob.join(&room).await;
                    shared.push(room);
                }
            }
        }
        shared.sort();
        for path in [
            "/_matrix/client/v1/mutual_rooms",
            "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms",
        ] {
            let with = |user: &str| format!("{path}?user_id={}", enc(user));
            let (status, answer) = alice.get(&with(bob.id.as_str())).await;
            assert_eq!((status, &answer["joined"]), (200, &json!(shared)));
            assert_eq!(bob.get(&with(alice.id.as_str())).await.1["joined"], json!(shared));
            for nobody in [carol.id.as_str(), "@nobody:test.example"] {
                assert_eq!(alice.get(&with(nobody)).await.1["joined"], json!([]));
            }
            let own = alice.get(&with(alice.id.as_str())).await;
            assert_eq!(errcode(&own), (400, "M_INVALID_PARAM"));
            let wrong = alice.get(&format!("{}&from=x", with(bob.id.as_str()))).await;
            assert_eq!(errcode(&wrong), (400, "M_INVALID_PARAM"));
            assert_eq!(alice.get(path).await.0, 400);
            let no_token = server.get(&with(bob.id.as_str()), None).await;
            assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));
        }
        let path = format!("/_matrix/client/v1/mutual_rooms?user_id={}", enc(bob.id.as_str()));
        assert_eq!(alice.get(&path).await.1["count"], 2);
    })
    .await;
}

async fn set_permission(user: &User, content: Value) {
    let path = format!(
        "/_matrix/client/v3/user/{}/account_data/m.invite_permission_config",
        enc(user.id.as_str())
    );
    assert_eq!(user.put(&path, content).await.0, 200);
}

#[tokio::test]
async fn who_takes_no_invitations_gets_none_by_any_way() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({})).await;
        let earlier = alice.create_room(json!({ "invite": [bob.id] })).await;
        assert!(bob.sync(None).await["rooms"]["invite"][&earlier].is_object());
        set_permission(&bob, json!({ "default_action": "block" })).await;
        let base = format!("/_matrix/client/v3/rooms/{}", enc(&room));
        let member = format!("{base}/state/m.room.member/{}", enc(bob.id.as_str()));
        for answer in [
            alice
                .post(&format!("{base}/invite"), json!({ "user_id": bob.id }))
                .await,
            alice.put(&member, json!({ "membership": "invite" })).await,
            alice
                .post("/_matrix/client/v3/createRoom", json!({ "invite": [bob.id] }))
                .await,
        ] {
            assert_eq!(errcode(&answer), (403, "M_INVITE_BLOCKED"));
        }
        assert!(
            bob.sync(None).await["rooms"]["invite"].is_null(),
            "not even the earlier one"
        );
        for content in [
            json!({}),
            json!({ "default_action": 1 }),
            json!({ "default_action": "allow" }),
        ] {
            set_permission(&bob, content).await;
            assert!(bob.sync(None).await["rooms"]["invite"][&earlier].is_object());
        }
        alice.invite(&room, &bob).await;
    })
    .await;
}

#[tokio::test]
async fn a_profile_has_further_fields() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let whole = format!("/_matrix/client/v3/profile/{}", enc(alice.id.as_str()));
        let unstable = format!(
            "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{}",
            enc(alice.id.as_str())
        );
        for base in [&whole, &unstable] {
            for (name, value) in [
                ("m.tz", json!("Europe/Berlin")),
                ("org.example.office", json!({ "room": 12 })),
                ("org.example.none", Value::Null),
            ] {
                let path = format!("{base}/{name}");
                for _ in 0..2 {
                    assert_eq!(alice.put(&path, json!({ name: value })).await, (200, json!({})));
                    assert_eq!(bob.get(&path).await, (200, json!({ name: value })), "{path}");
                }
                assert_eq!(bob.get(&whole).await.1[name], value);
                assert_eq!(
                    errcode(&bob.put(&path, json!({ name: value })).await),
                    (403, "M_FORBIDDEN")
                );
                assert_eq!(errcode(&bob.delete(&path).await), (403, "M_FORBIDDEN"));
                for _ in 0..2 {
                    assert_eq!(alice.delete(&path).await.0, 200);
                    assert_eq!(errcode(&bob.get(&path).await), (404, "M_NOT_FOUND"));
                }
            }
        }
        assert_eq!(bob.get(&whole).await.1["displayname"], "alice");
        for (name, value, expected) in [
            ("m.tz", json!(1), (400, "M_BAD_JSON")),
            ("Office", json!("x"), (400, "M_INVALID_PARAM")),
            (
                "org.example.large",
                json!("x".repeat(65_536)),
                (400, "M_PROFILE_TOO_LARGE"),
            ),
        ] {
            let answer = alice
                .put(&format!("{whole}/{name}"), json!({ name: value }))
                .await;
            assert_eq!(errcode(&answer), expected, "{name}");
        }
        let long = format!("m.{}", "a".repeat(254));
        let answer = alice.put(&format!("{whole}/{long}"), json!({ &long: 1 })).await;
        assert_eq!(errcode(&answer), (400, "M_KEY_TOO_LARGE"));
        let no_token = server
            .put(&format!("{whole}/m.tz"), None, json!({ "m.tz": "x" }))
            .await;
        assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));
        assert_eq!(
            alice.put(&format!("{whole}/m.tz"), json!({ "other": 1 })).await.0,
            400
        );
    })
    .await;
}

#[tokio::test]
async fn a_device_lets_another_one_in_once_and_soon() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let path = "/_matrix/client/v1/login/get_token";
        let token = async || {
            let (status, asked) = alice.post(path, json!({})).await;
            assert_eq!(status, 401, "{asked}");
            let auth = json!({
                "type": "m.login.password", "session": asked["session"], "password": PASSWORD,
                "identifier": { "type": "m.id.user", "user": alice.id },
            });
            let (status, made) = alice.post(path, json!({ "auth": auth })).await;
            assert_eq!((status, &made["expires_in_ms"]), (200, &json!(120_000)), "{made}");
            made["login_token"].as_str().expect("a token").to_owned()
        };
        let login = |token: &str| json!({ "type": "m.login.token", "token": token });
        let first = token().await;
        let (status, signed_in) = server.post("/_matrix/client/v3/login", None, login(&first)).await;
        assert_eq!(
            (status, &signed_in["user_id"]),
            (200, &json!(alice.id)),
            "{signed_in}"
        );
        let again = server.post("/_matrix/client/v3/login", None, login(&first)).await;
        assert_eq!(errcode(&again), (403, "M_FORBIDDEN"));
        let unknown = server
            .post("/_matrix/client/v3/login", None, login("nothing"))
            .await;
        assert_eq!(unknown, again);

        let late = token().await;
        server.clock().advance(std::time::Duration::from_secs(121));
        let late = server.post("/_matrix/client/v3/login", None, login(&late)).await;
        assert_eq!(late, again);
        assert_eq!(
            errcode(&server.post(path, None, json!({})).await),
            (401, "M_MISSING_TOKEN")
        );
        let (_, flows) = server.get("/_matrix/client/v3/login", None).await;
        let offered = json!({ "type": "m.login.token", "get_login_token": true });
        assert!(
            flows["flows"].as_array().expect("flows").contains(&offered),
            "{flows}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_for_other_services_says_who_somebody_is_and_opens_nothing() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let path = format!(
            "/_matrix/client/v3/user/{}/openid/request_token",
            enc(alice.id.as_str())
        );
        let (status, token) = alice.post(&path, json!({})).await;
        assert_eq!(status, 200, "{token}");
        let rest = (
            &token["token_type"],
            &token["matrix_server_name"],
            &token["expires_in"],
        );
        assert_eq!(rest, (&json!("Bearer"), &json!("test.example"), &json!(3600)));
        let secret = token["access_token"].as_str().expect("a token");
        let core = server.core();
        assert_eq!(
            openid::owner(&core, secret).await.expect("an answer"),
            Some(alice.id.clone())
        );
        let used = server
            .get("/_matrix/client/v3/account/whoami", Some(secret))
            .await;
        assert_eq!(errcode(&used), (401, "M_UNKNOWN_TOKEN"));
        server.clock().advance(std::time::Duration::from_secs(3600));
        assert_eq!(openid::owner(&core, secret).await.expect("an answer"), None);

        for user in [alice.id.as_str(), "@nobody:test.example"] {
            let path = format!("/_matrix/client/v3/user/{}/openid/request_token", enc(user));
            assert_eq!(errcode(&bob.post(&path, json!({})).await), (403, "M_FORBIDDEN"));
        }
        assert_eq!(
            errcode(&server.post(&path, None, json!({})).await),
            (401, "M_MISSING_TOKEN")
        );
    })
    .await;
}

#[tokio::test]
async fn there_are_no_networks_that_bridges_lead_to() {
    let server = TestServer::sqlite().await;
    let alice = server.user("alice").await;
    let base = "/_matrix/client/v3/thirdparty";
    assert_eq!(alice.get(&format!("{base}/protocols")).await, (200, json!({})));
    for path in [
        "protocol/irc",
        "location/irc",
        "user/irc",
        "location?alias=%23a%3Atest.example",
        "user?userid=%40a%3Atest.example",
    ] {
        let path = format!("{base}/{path}");
        assert_eq!(errcode(&alice.get(&path).await), (404, "M_NOT_FOUND"), "{path}");
        assert_eq!(
            errcode(&server.get(&path, None).await),
            (401, "M_MISSING_TOKEN"),
            "{path}"
        );
    }
}
