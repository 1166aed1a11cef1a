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
            let on_device = as_("@_bridge_bob:test.example", &format!("&device_id={device}")).await;
            assert_eq!(on_device.1["device_id"], device);
            for (user, more) in [
                (alice.id.as_str(), ""),
                ("@_bridge_nobody:test.example", ""),
                ("@_bridge_bob:elsewhere.example", ""),
                ("nonsense", ""),
                ("@_bridge_bob:test.example", "&device_id=NOSUCH"),
            ] {
                assert_eq!(
                    errcode(&as_(user, more).await),
                    (403, "M_FORBIDDEN"),
                    "{user}{more}"
                );
            }
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
        let create = async |token: &str| {
            server
                .post("/_matrix/client/v3/createRoom", Some(token), json!({}))
                .await
                .0
        };
        assert_eq!([create(TOKEN).await, create(TOKEN).await], [200, 200]);
        let bot = "the token of the bot..";
        assert_eq!([create(bot).await, create(bot).await], [200, 429]);
    })
    .await;
}
