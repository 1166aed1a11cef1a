//! Application services as callers of the client-server API, on both engines.

use rohrpost_core::{
    appservices::{Appservices, Registration},
    limits::{Kind, Rates},
    settings::Rate,
};
use rohrpost_testkit::{Builder, SERVER_NAME, TestServer, enc};
use serde_json::{Value, json};

const TOKEN: &str = "the token of the bridge";
const REGISTER: &str = "/_matrix/client/v3/register";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

fn services() -> Appservices {
    let registrations = [
        json!({ "id": "bridge", "url": "", "as_token": TOKEN, "hs_token": "the token of the server",
            "sender_localpart": "_bridge", "rate_limited": false,
            "namespaces": { "users": [{ "exclusive": true, "regex": "@_bridge_.*" }],
                "aliases": [{ "exclusive": true, "regex": "#_bridge_.*" }] } }),
        json!({ "id": "bot", "url": null, "as_token": "the token of the bot..", "hs_token": "the token of the server",
            "sender_localpart": "bot", "namespaces": { "users": [{ "exclusive": false, "regex": "@ann.*" }] } }),
    ];
    let registrations =
        registrations.map(|one| serde_json::from_value::<Registration>(one).expect("a registration"));
    Appservices::new(registrations.into(), SERVER_NAME.try_into().expect("a name")).expect("they can be used")
}

fn with_services() -> Builder {
    TestServer::with(|settings| settings.appservices = services())
}

async fn register(server: &TestServer, token: Option<&str>, name: &str) -> (u16, Value) {
    let body = json!({ "type": "m.login.application_service", "username": name });
    server.post(REGISTER, token, body).await
}

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_service_is_itself_or_one_of_its_users_and_nobody_else() {
    with_services()
        .each(async |server| {
            let alice = server.user("alice").await;
            let (status, own) = server.get(WHOAMI, Some(TOKEN)).await;
            assert_eq!((status, &own["user_id"]), (200, &json!("@_bridge:test.example")));
            let (status, made) = register(&server, Some(TOKEN), "_bridge_bob").await;
            assert_eq!(
                (status, &made["user_id"]),
                (200, &json!("@_bridge_bob:test.example"))
            );
            let device = made["device_id"].as_str().expect("a device");
            let as_ = async |user: &str, more: &str| {
                let path = format!("{WHOAMI}?user_id={}{more}", enc(user));
                server.get(&path, Some(TOKEN)).await
            };
            let bob = as_("@_bridge_bob:test.example", "").await;
            assert_eq!(bob.1["user_id"], "@_bridge_bob:test.example");
            assert!(bob.1["device_id"].is_null(), "{}", bob.1);
            let on_device = as_("@_bridge_bob:test.example", &format!("&device_id={device}")).await;
            assert_eq!(on_device.1["device_id"], device);
            for (user, more) in [
                (alice.id.as_str(), ""),
                ("@_bridge_nobody:test.example", ""),
                ("@_bridge_bob:elsewhere.example", ""),
                ("nonsense", ""),
            ] {
                assert_eq!(
                    errcode(&as_(user, more).await),
                    (403, "M_FORBIDDEN"),
                    "{user}{more}"
                );
            }
            assert_eq!(
                errcode(&as_("@_bridge_bob:test.example", "&device_id=NOSUCH").await),
                (400, "M_UNKNOWN_DEVICE")
            );
            let (_, plain) = alice
                .get(&format!("{WHOAMI}?user_id=%40_bridge_bob:test.example"))
                .await;
            assert_eq!(plain["user_id"], alice.id.as_str(), "others are who they are");
            assert_eq!(server.get(WHOAMI, Some("the token of the bridg")).await.0, 401);
        })
        .await;
}

#[tokio::test]
async fn exclusive_names_are_for_their_service_alone() {
    with_services()
        .each(async |server| {
            for (token, name) in [
                (Some(TOKEN), "bob"),
                (Some("the token of the bot.."), "_bridge_bob"),
                (Some(TOKEN), "bot"),
            ] {
                assert_eq!(errcode(&register(&server, token, name).await), (400, "M_EXCLUSIVE"), "{name}");
            }
            assert_eq!(register(&server, Some("the token of the bot.."), "anna").await.0, 200);
            assert_eq!(
                errcode(&register(&server, Some("the token of the bot.."), "anna").await),
                (400, "M_USER_IN_USE")
            );
            let alice = server.user("alice").await;
            for token in [None, Some(alice.token.as_str())] {
                assert_eq!(register(&server, token, "_bridge_x").await.0, 401);
            }
            let plain = json!({ "username": "bot", "password": "a long password", "auth": { "type": "m.login.dummy" } });
            assert_eq!(errcode(&server.post(REGISTER, None, plain).await), (400, "M_EXCLUSIVE"));

            let room = alice.create_room(json!({})).await;
            let path = |alias: &str| format!("/_matrix/client/v3/directory/room/{}", enc(alias));
            let body = json!({ "room_id": room });
            let own = alice.put(&path("#_bridge_x:test.example"), body.clone()).await;
            assert_eq!(errcode(&own), (400, "M_EXCLUSIVE"));
            let made = alice
                .post("/_matrix/client/v3/createRoom", json!({ "room_alias_name": "_bridge_x" }))
                .await;
            assert_eq!(errcode(&made), (400, "M_EXCLUSIVE"));
            let (_, made) = server
                .post("/_matrix/client/v3/createRoom", Some(TOKEN), json!({ "room_alias_name": "_bridge_x" }))
                .await;
            assert!(made["room_id"].is_string(), "{made}");
            let foreign = server
                .put(&path("#other:test.example"), Some(TOKEN), json!({ "room_id": made["room_id"] }))
                .await;
            assert_eq!(errcode(&foreign), (400, "M_EXCLUSIVE"));
        })
        .await;
}

#[tokio::test]
async fn users_of_a_service_sign_in_by_its_token_and_may_sync_and_send() {
    with_services()
        .each(async |server| {
            register(&server, Some(TOKEN), "_bridge_bob").await;
            let login = |user: &str| {
                json!({ "type": "m.login.application_service", "device_id": "BRIDGE",
                    "identifier": { "type": "m.id.user", "user": user } })
            };
            let path = "/_matrix/client/v3/login";
            let (status, signed_in) = server.post(path, Some(TOKEN), login("_bridge_bob")).await;
            assert_eq!(
                (status, &signed_in["device_id"]),
                (200, &json!("BRIDGE")),
                "{signed_in}"
            );
            let own = signed_in["access_token"].as_str().expect("a token");
            assert_eq!(server.get(WHOAMI, Some(own)).await.0, 200);
            assert_eq!(
                errcode(&server.post(path, Some(TOKEN), login("alice")).await),
                (400, "M_EXCLUSIVE")
            );
            assert_eq!(
                server.post(path, Some(TOKEN), login("_bridge_nobody")).await.0,
                403
            );
            assert_eq!(server.post(path, None, login("_bridge_bob")).await.0, 401);
            let (_, flows) = server.get(path, None).await;
            assert!(
                flows.to_string().contains("m.login.application_service"),
                "{flows}"
            );

            let (status, room) = server
                .post(
                    "/_matrix/client/v3/createRoom?user_id=%40_bridge_bob:test.example",
                    Some(TOKEN),
                    json!({}),
                )
                .await;
            assert_eq!(status, 200, "{room}");
            let room = room["room_id"].as_str().expect("a room");
            let send = format!(
                "/_matrix/client/v3/rooms/{}/send/m.room.message/t1?user_id=%40_bridge_bob:test.example",
                enc(room)
            );
            let text = json!({ "msgtype": "m.text", "body": "from afar" });
            let (status, sent) = server.put(&send, Some(TOKEN), text.clone()).await;
            assert_eq!(status, 200, "{sent}");
            assert_eq!(
                server.put(&send, Some(TOKEN), text).await,
                (200, sent),
                "the same request again"
            );
            let sync = "/_matrix/client/v3/sync?timeout=0&user_id=%40_bridge_bob:test.example";
            let (status, answer) = server.get(sync, Some(TOKEN)).await;
            assert_eq!(status, 200, "{answer}");
            assert!(answer["rooms"]["join"][room].is_object(), "{answer}");
        })
        .await;
}

#[tokio::test]
async fn a_service_is_not_limited_where_its_registration_says_so() {
    let rate = Rate {
        per_second: 0.001,
        burst: 1,
    };
    TestServer::with(|settings| {
        settings.appservices = services();
        settings.limits = Some(Rates::new([(Kind::RoomCreation, rate)]));
    })
    .each(async |server| {
        let create = async |token: &str, user: &str| {
            let path = format!("/_matrix/client/v3/createRoom?user_id=%40{user}:test.example");
            server.post(&path, Some(token), json!({})).await.0
        };
        let bot = "the token of the bot..";
        assert_eq!(register(&server, Some(TOKEN), "_bridge_bob").await.0, 200);
        assert_eq!(register(&server, Some(bot), "anna").await.0, 200);
        for (token, user, second) in [
            (TOKEN, "_bridge", 200),
            (TOKEN, "_bridge_bob", 200),
            (bot, "anna", 429),
            // "The sender is excluded."
            (bot, "bot", 200),
        ] {
            assert_eq!(
                [create(token, user).await, create(token, user).await],
                [200, second],
                "{user}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_service_makes_and_removes_devices_of_its_users_without_a_confirmation() {
    with_services()
        .each(async |server| {
            register(&server, Some(TOKEN), "_bridge_bob").await;
            let as_bob = |path: &str| format!("{path}?user_id=%40_bridge_bob:test.example");
            let devices = as_bob("/_matrix/client/v3/devices");
            let device = |id: &str| as_bob(&format!("/_matrix/client/v3/devices/{id}"));
            let count = async || {
                let (_, list) = server.get(&devices, Some(TOKEN)).await;
                list["devices"].as_array().map(Vec::len)
            };
            assert_eq!(count().await, Some(1), "of the registration");
            for name in [
                json!({ "display_name": "Bridge" }),
                json!({}),
                json!({ "display_name": "Bot" }),
            ] {
                assert_eq!(
                    server.put(&device("NEW"), Some(TOKEN), name).await,
                    (200, json!({}))
                );
            }
            let (_, made) = server.get(&device("NEW"), Some(TOKEN)).await;
            assert_eq!(
                (&made["device_id"], &made["display_name"]),
                (&json!("NEW"), &json!("Bot"))
            );
            assert_eq!(count().await, Some(2));
            let on_it = as_bob(WHOAMI) + "&device_id=NEW";
            assert_eq!(server.get(&on_it, Some(TOKEN)).await.1["device_id"], "NEW");
            let long = server
                .put(&device(&"x".repeat(256)), Some(TOKEN), json!({}))
                .await;
            assert_eq!(errcode(&long), (400, "M_INVALID_PARAM"));

            // Keys are a device's.
            let keys = as_bob("/_matrix/client/v3/keys/upload");
            let without = server.post(&keys, Some(TOKEN), json!({})).await;
            assert_eq!(errcode(&without), (400, "M_MISSING_PARAM"));
            let on_it = format!("{keys}&device_id=NEW");
            assert_eq!(server.post(&on_it, Some(TOKEN), json!({})).await.0, 200);

            assert_eq!(
                server
                    .call("DELETE", &device("NEW"), Some(TOKEN), Some(json!({})))
                    .await,
                (200, json!({}))
            );
            assert_eq!(count().await, Some(1));
            server.put(&device("NEW"), Some(TOKEN), json!({})).await;
            let many = as_bob("/_matrix/client/v3/delete_devices");
            let body = json!({ "devices": ["NEW", "NOSUCH"] });
            for _ in 0..2 {
                assert_eq!(
                    server.post(&many, Some(TOKEN), body.clone()).await,
                    (200, json!({}))
                );
            }
            assert_eq!(count().await, Some(1));
            let alice = server.user("alice").await;
            let own = format!("/_matrix/client/v3/devices/{}", alice.device);
            assert_eq!(alice.delete(&own).await.0, 401, "people confirm it");
        })
        .await;
}

#[tokio::test]
async fn a_service_says_when_something_was_sent_and_nobody_else_does() {
    with_services()
        .each(async |server| {
            let (_, room) = server
                .post(
                    "/_matrix/client/v3/createRoom",
                    Some(TOKEN),
                    json!({ "preset": "public_chat" }),
                )
                .await;
            let room = room["room_id"].as_str().expect("a room").to_owned();
            let alice = server.user("alice").await;
            alice.join(&room).await;
            let base = format!("/_matrix/client/v3/rooms/{}", enc(&room));
            let text = json!({ "msgtype": "m.text", "body": "long ago" });
            let ts = async |answer: (u16, Value)| {
                assert_eq!(answer.0, 200, "{}", answer.1);
                let id = answer.1["event_id"].as_str().expect("an event").to_owned();
                let (_, event) = alice.get(&format!("{base}/event/{}", enc(&id))).await;
                event["origin_server_ts"].as_i64().expect("a time")
            };
            let send = format!("{base}/send/m.room.message");
            let sent = server
                .put(&format!("{send}/a?ts=1234"), Some(TOKEN), text.clone())
                .await;
            assert_eq!(ts(sent.clone()).await, 1234);
            let again = server
                .put(&format!("{send}/a?ts=1234"), Some(TOKEN), text.clone())
                .await;
            assert_eq!(again, sent, "the same request again");
            let state = format!("{base}/state/org.example.state/x?ts=77");
            assert_eq!(
                ts(server.put(&state, Some(TOKEN), json!({ "a": 1 })).await).await,
                77
            );
            let now = ts(server.put(&format!("{send}/b"), Some(TOKEN), text.clone()).await).await;
            assert!(now > 1234, "{now}");
            let others = ts(alice.put(&format!("{send}/c?ts=1234"), text.clone()).await).await;
            assert!(others >= now, "{others}");
            for wrong in ["-1", "x", "9007199254740992"] {
                let answer = server
                    .put(&format!("{send}/d?ts={wrong}"), Some(TOKEN), text.clone())
                    .await;
                assert_eq!(answer.0, 400, "{wrong}");
            }
        })
        .await;
}

#[tokio::test]
async fn where_people_sign_in_on_the_page_alone_a_service_makes_users_without_signing_them_in() {
    TestServer::with(|settings| {
        settings.appservices = services();
        settings.legacy_login = false;
    })
    .each(async |server| {
        let login = json!({ "type": "m.login.application_service",
            "identifier": { "type": "m.id.user", "user": "_bridge_bob" } });
        let answer = server.post("/_matrix/client/v3/login", Some(TOKEN), login).await;
        assert_eq!(errcode(&answer), (400, "M_APPSERVICE_LOGIN_UNSUPPORTED"));
        assert_eq!(
            errcode(&register(&server, Some(TOKEN), "_bridge_bob").await),
            (400, "M_APPSERVICE_LOGIN_UNSUPPORTED")
        );
        let body = json!({ "type": "m.login.application_service", "username": "_bridge_bob", "inhibit_login": true });
        let (status, made) = server.post(REGISTER, Some(TOKEN), body).await;
        assert_eq!(status, 200, "{made}");
        assert!(made["access_token"].is_null() && made["device_id"].is_null(), "{made}");
    })
    .await;
}
