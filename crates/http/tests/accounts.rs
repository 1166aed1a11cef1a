//! Making, securing and closing accounts.

use rohrpost_core::settings::{Registration, SharedSecret};
use rohrpost_testkit::{PASSWORD, TestServer, User, enc};
use serde_json::{Value, json};

use crate::uia::{by_password, refusal};

const REGISTER: &str = "/_matrix/client/v3/register";

fn wanted(name: &str) -> Value {
    json!({ "username": name, "password": PASSWORD, "auth": { "type": "m.login.dummy" } })
}

#[tokio::test]
async fn an_open_server_makes_an_account_and_signs_in() {
    TestServer::each(async |server| {
        let (status, flows) = server.post(REGISTER, None, json!({})).await;
        assert_eq!(status, 401, "{flows}");
        assert_eq!(flows["flows"], json!([{ "stages": ["m.login.dummy"] }, { "stages": ["m.login.registration_token"] }]));
        assert_eq!(flows["params"], json!({}));
        // The form is filled in after the first answer.
        let body = json!({
            "username": "Erika", "password": PASSWORD, "device_id": "AKTE", "initial_device_display_name": "Amtszimmer",
            "auth": { "type": "m.login.dummy", "session": flows["session"] },
        });
        let (status, made) = server.post(REGISTER, None, body.clone()).await;
        assert_eq!(status, 200, "{made}");
        assert_eq!(made["user_id"], "@erika:test.example");
        assert_eq!(made["device_id"], "AKTE");
        assert!(made.get("refresh_token").is_none());
        let token = made["access_token"].as_str().unwrap();
        let (_, me) = server.get("/_matrix/client/v3/account/whoami", Some(token)).await;
        assert_eq!(me, json!({ "user_id": "@erika:test.example", "device_id": "AKTE" }));
        let (_, profile) = server.get("/_matrix/client/v3/profile/@erika:test.example", None).await;
        assert_eq!(profile, json!({ "displayname": "erika" }));
        assert_eq!(refusal(server.post(REGISTER, None, body).await), (400, "M_USER_IN_USE".into()));
    })
    .await;
}

#[tokio::test]
async fn an_account_without_a_name_gets_one_and_without_login_gets_no_token() {
    let server = TestServer::sqlite().await;
    let body = json!({ "password": PASSWORD, "inhibit_login": true, "auth": { "type": "m.login.dummy" } });
    let (status, made) = server.post(REGISTER, None, body).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["user_id"].as_str().unwrap().ends_with(":test.example"));
    assert!(
        made["access_token"].is_null() && made["device_id"].is_null(),
        "{made}"
    );
}

#[tokio::test]
async fn refuses_names_passwords_and_kinds_that_can_not_be() {
    let server = TestServer::sqlite().await;
    for (change, errcode) in [
        (json!({ "username": "ü" }), "M_INVALID_USERNAME"),
        (json!({ "username": "12345" }), "M_INVALID_USERNAME"),
        (json!({ "username": "_bot" }), "M_INVALID_USERNAME"),
        (json!({ "username": "" }), "M_INVALID_USERNAME"),
        (json!({ "username": "a".repeat(300) }), "M_INVALID_USERNAME"),
        (json!({ "password": "short" }), "M_WEAK_PASSWORD"),
        (json!({ "password": "x".repeat(513) }), "M_WEAK_PASSWORD"),
        (json!({ "password": null }), "M_MISSING_PARAM"),
        (json!({ "password": 5 }), "M_BAD_JSON"),
        (json!({ "device_id": "" }), "M_INVALID_PARAM"),
        (
            json!({ "initial_device_display_name": "x".repeat(300) }),
            "M_INVALID_PARAM",
        ),
    ] {
        let mut body = wanted("erika");
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = server.post(REGISTER, None, body).await;
        assert_eq!(refusal(answer), (400, errcode.into()), "{change}");
    }
    let answer = server
        .post(&format!("{REGISTER}?kind=guest"), None, json!({}))
        .await;
    assert_eq!(refusal(answer), (403, "M_GUEST_ACCESS_FORBIDDEN".into()));
    // Nothing of it was kept.
    assert_eq!(server.post(REGISTER, None, wanted("erika")).await.0, 200);
}

#[tokio::test]
async fn tells_whether_a_name_is_free() {
    TestServer::each(async |server| {
        server.user("erika").await;
        let ask = async |name: &str| {
            server
                .get(&format!("{REGISTER}/available?username={name}"), None)
                .await
        };
        assert_eq!(ask("max").await, (200, json!({ "available": true })));
        assert_eq!(refusal(ask("erika").await), (400, "M_USER_IN_USE".into()));
        assert_eq!(refusal(ask("ERIKA").await), (400, "M_USER_IN_USE".into()));
        assert_eq!(refusal(ask("%C3%BC").await), (400, "M_INVALID_USERNAME".into()));
    })
    .await;
}

#[tokio::test]
async fn a_closed_server_says_the_same_about_every_name() {
    let server = TestServer::with(|settings| settings.registration = Registration::Closed)
        .sqlite()
        .await;
    server.user("erika").await;
    let taken = server.post(REGISTER, None, wanted("erika")).await;
    assert_eq!(taken, server.post(REGISTER, None, wanted("max")).await);
    assert_eq!(refusal(taken), (403, "M_FORBIDDEN".into()));
    let ask = async |name: &str| {
        server
            .get(&format!("{REGISTER}/available?username={name}"), None)
            .await
    };
    assert_eq!(ask("erika").await, ask("max").await);
    assert_eq!(refusal(ask("max").await), (403, "M_FORBIDDEN".into()));
}

#[tokio::test]
async fn many_who_want_the_same_name_make_one_account() {
    TestServer::each(async |server| {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let server = server.clone();
            tasks.spawn(async move { server.post(REGISTER, None, wanted("erika")).await.0 });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_unstable();
        assert_eq!((answers[0], answers[1], answers[19]), (200, 400, 400));
    })
    .await;
}

#[tokio::test]
async fn a_new_password_signs_the_other_devices_out_and_replaces_the_old_one() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let other = erika.another_device().await;
        let path = "/_matrix/client/v3/account/password";
        let new = "another good password";
        assert_eq!(
            refusal(server.post(path, None, json!({ "new_password": new })).await),
            (401, "M_MISSING_TOKEN".into())
        );
        assert_eq!(
            refusal(erika.post(path, json!({ "new_password": "x" })).await),
            (400, "M_WEAK_PASSWORD".into())
        );
        let answer = by_password(&erika, "POST", path, json!({ "new_password": new })).await;
        assert_eq!(answer, (200, json!({})));
        assert_eq!(erika.get("/_matrix/client/v3/account/whoami").await.0, 200);
        let answer = other.get("/_matrix/client/v3/account/whoami").await;
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        let login = async |password: &str| {
            let identifier = json!({ "type": "m.id.user", "user": "erika" });
            let body = json!({ "type": "m.login.password", "identifier": identifier, "password": password });
            server.post("/_matrix/client/v3/login", None, body).await
        };
        assert_eq!(refusal(login(PASSWORD).await), (403, "M_FORBIDDEN".into()));
        let (status, signed_in) = login(new).await;
        assert_eq!(status, 200, "{signed_in}");
        // The other devices may also stay.
        let body = json!({ "new_password": PASSWORD, "logout_devices": false });
        let identifier = json!({ "type": "m.id.user", "user": "erika" });
        let auth = json!({ "type": "m.login.password", "identifier": identifier, "password": new });
        let mut with_auth = body.clone();
        with_auth["auth"] = auth;
        assert_eq!(erika.post(path, with_auth).await.0, 200);
        let token = signed_in["access_token"].as_str();
        assert_eq!(
            server.get("/_matrix/client/v3/account/whoami", token).await.0,
            200
        );
    })
    .await;
}

#[tokio::test]
async fn a_closed_account_is_gone_and_its_name_stays_taken() {
    TestServer::each(async |server| {
        let (erika, max) = (server.user("erika").await, server.user("max").await);
        let room = erika
            .create_room(json!({ "preset": "private_chat", "invite": [max.id] }))
            .await;
        max.join(&room).await;
        let path = "/_matrix/client/v3/account/deactivate";
        assert_eq!(erika.post(path, json!({ "erase": true })).await.0, 401);
        let (status, answer) = by_password(&erika, "POST", path, json!({ "erase": true })).await;
        assert_eq!(
            (status, &answer["id_server_unbind_result"]),
            (200, &json!("success"))
        );
        let answer = erika.get("/_matrix/client/v3/account/whoami").await;
        assert_eq!(refusal(answer), (401, "M_UNKNOWN_TOKEN".into()));
        let identifier = json!({ "type": "m.id.user", "user": "erika" });
        let body = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
        let closed = server.post("/_matrix/client/v3/login", None, body.clone()).await;
        let mut unknown = body;
        unknown["identifier"]["user"] = "nobody".into();
        assert_eq!(
            closed,
            server.post("/_matrix/client/v3/login", None, unknown).await
        );
        assert_eq!(refusal(closed), (403, "M_FORBIDDEN".into()));
        assert_eq!(
            refusal(server.post(REGISTER, None, wanted("erika")).await),
            (400, "M_USER_IN_USE".into())
        );
        let answer = server
            .get("/_matrix/client/v3/profile/@erika:test.example", None)
            .await;
        assert_eq!(refusal(answer), (404, "M_NOT_FOUND".into()));
        let path = format!("/_matrix/client/v3/rooms/{}/joined_members", enc(&room));
        let (_, members) = max.get(&path).await;
        assert_eq!(
            members["joined"].as_object().map(|joined| joined.len()),
            Some(1),
            "{members}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_closed_account_leaves_its_rooms_although_the_request_was_cut_off() {
    TestServer::each(async |server| {
        let (erika, max) = (server.user("erika").await, server.user("max").await);
        let mut rooms = Vec::new();
        for _ in 0..5 {
            rooms.push(max.create_room(json!({ "invite": [erika.id] })).await);
        }
        erika.join(&rooms[0]).await;
        let identifier = json!({ "type": "m.id.user", "user": "erika" });
        let auth = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
        let path = "/_matrix/client/v3/account/deactivate";
        let closing = erika.post(path, json!({ "auth": auth }));
        let closed = async {
            while erika.get("/_matrix/client/v3/account/whoami").await.0 == 200 {
                tokio::task::yield_now().await;
            }
        };
        // Whichever is first: the request ends in order, or it is dropped somewhere after the account was closed.
        tokio::select! {
            biased;
            () = closed => {}
            answer = closing => assert_eq!(answer.0, 200, "{}", answer.1),
        }
        for _ in 0..2 {
            rohrpost_core::accounts::deactivate::finish(&server.core())
                .await
                .expect("all rooms can be left");
        }
        for room in rooms {
            let member = format!(
                "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
                enc(&room),
                enc(erika.id.as_str())
            );
            assert_eq!(max.get(&member).await.1["membership"], "leave");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_mail_server_nobody_has_an_address_and_none_is_confirmed() {
    let server = TestServer::sqlite().await;
    let erika = server.user("erika").await;
    assert_eq!(
        erika.get("/_matrix/client/v3/account/3pid").await,
        (200, json!({ "threepids": [] }))
    );
    let body = json!({ "client_secret": "abc", "sid": "1" });
    let (status, answer) = erika.post("/_matrix/client/v3/account/3pid/add", body).await;
    assert_eq!(status, 401, "the password comes first");
    assert!(answer["flows"].is_array(), "{answer}");
    let body = json!({ "client_secret": "abc", "email": "erika@test.example", "send_attempt": 1 });
    let answer = server
        .post(
            "/_matrix/client/v3/account/password/email/requestToken",
            None,
            body,
        )
        .await;
    assert_eq!(refusal(answer), (403, "M_THREEPID_DENIED".into()));
}

#[tokio::test]
async fn tells_what_it_can_do() {
    let server = TestServer::sqlite().await;
    let erika = server.user("erika").await;
    let (status, versions) = server.get("/_matrix/client/versions", None).await;
    assert_eq!(status, 200);
    for version in ["r0.6.1", "v1.1", "v1.11", "v1.16"] {
        assert!(
            versions["versions"].as_array().unwrap().contains(&json!(version)),
            "{version}"
        );
    }
    assert_eq!(
        versions["unstable_features"]["io.element.e2ee_forced.private"],
        false
    );
    let path = "/_matrix/client/v3/capabilities";
    assert_eq!(
        refusal(server.get(path, None).await),
        (401, "M_MISSING_TOKEN".into())
    );
    let (status, answer) = erika.get(path).await;
    assert_eq!(status, 200, "{answer}");
    let capabilities = &answer["capabilities"];
    assert_eq!(capabilities["m.change_password"], json!({ "enabled": true }));
    assert_eq!(capabilities["m.3pid_changes"], json!({ "enabled": false }));
    assert_eq!(capabilities["m.room_versions"]["default"], "12");
    assert_eq!(capabilities["m.room_versions"]["available"]["10"], "stable");
    assert_eq!(
        erika.get("/_matrix/client/v3/voip/turnServer").await,
        (200, json!({}))
    );
    let (status, about) = server.get("/_rohrpost/client/v1/about", None).await;
    assert_eq!(status, 200);
    let expected = json!({
        "server_name": "test.example", "registration": "open", "password_min_length": 8, "encryption": "optional"
    });
    assert_eq!(about, expected);
    let (_, account) = erika.get("/_rohrpost/client/v1/account").await;
    assert_eq!(
        account,
        json!({ "user_id": "@erika:test.example", "administrator": false })
    );
    let answer = server.get("/_rohrpost/client/v1/account", None).await;
    assert_eq!(refusal(answer), (401, "M_MISSING_TOKEN".into()));
}

mod shared_secret {
    use super::{PASSWORD, SharedSecret, TestServer, Value, json, refusal};
    use hmac::{Hmac, Mac};
    use sha1::Sha1;

    const PATH: &str = "/_synapse/admin/v1/register";

    fn signed(nonce: &Value, name: &str, admin: bool) -> Value {
        let parts = [
            nonce.as_str().expect("a nonce"),
            name,
            PASSWORD,
            if admin { "admin" } else { "notadmin" },
        ];
        let mut mac = Hmac::<Sha1>::new_from_slice(b"a shared secret").expect("any length");
        mac.update(parts.join("\0").as_bytes());
        let mac: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        json!({ "nonce": nonce, "username": name, "password": PASSWORD, "admin": admin, "mac": mac })
    }

    #[tokio::test]
    async fn programs_make_accounts_with_the_shared_secret() {
        let with_secret = TestServer::with(|settings| {
            settings.shared_secret = Some(SharedSecret::new("a shared secret".to_owned()));
        });
        with_secret
            .each(async |server| {
                let nonce = async || server.get(PATH, None).await.1["nonce"].clone();
                let body = signed(&nonce().await, "bridge", true);
                let (status, made) = server.post(PATH, None, body.clone()).await;
                assert_eq!(status, 200, "{made}");
                let token = made["access_token"].as_str();
                let (_, account) = server.get("/_rohrpost/client/v1/account", token).await;
                assert_eq!(
                    account,
                    json!({ "user_id": "@bridge:test.example", "administrator": true })
                );
                assert_eq!(
                    refusal(server.post(PATH, None, body).await),
                    (400, "M_UNKNOWN".into()),
                    "nonces go once"
                );
                let mut forged = signed(&nonce().await, "mallory", false);
                forged["admin"] = true.into();
                assert_eq!(
                    refusal(server.post(PATH, None, forged).await),
                    (403, "M_FORBIDDEN".into())
                );
                let late = signed(&nonce().await, "late", false);
                server.clock().advance(std::time::Duration::from_secs(61));
                assert_eq!(
                    refusal(server.post(PATH, None, late).await),
                    (400, "M_UNKNOWN".into())
                );
                let again = signed(&nonce().await, "bridge", false);
                assert_eq!(
                    refusal(server.post(PATH, None, again).await),
                    (400, "M_USER_IN_USE".into())
                );
                assert_eq!(
                    refusal(server.post(PATH, None, json!({})).await),
                    (400, "M_BAD_JSON".into())
                );
            })
            .await;
    }

    #[tokio::test]
    async fn without_a_shared_secret_there_is_no_such_endpoint() {
        let server = TestServer::sqlite().await;
        assert_eq!(
            refusal(server.get(PATH, None).await),
            (404, "M_UNRECOGNIZED".into())
        );
        let body = signed(&json!("abc"), "bridge", true);
        assert_eq!(
            refusal(server.post(PATH, None, body).await),
            (404, "M_UNRECOGNIZED".into())
        );
    }
}

#[tokio::test]
async fn who_comes_after_somebody_was_erased_reads_nothing_of_them() {
    TestServer::each(async |server| {
        let (anna, erika, max) = (
            server.user("anna").await,
            server.user("erika").await,
            server.user("max").await,
        );
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let message = "eine vertrauliche Angelegenheit";
        let name = format!(
            "/_matrix/client/v3/profile/{}/displayname",
            enc(erika.id.as_str())
        );
        let named = erika
            .put(&name, json!({ "displayname": "vertrauliche Erika" }))
            .await;
        assert_eq!(named.0, 200, "{}", named.1);
        erika.join(&room).await;
        max.join(&room).await;
        max.leave(&room).await;
        erika.send_text(&room, message).await;
        let said = anna.send_text(&room, "was alle lesen").await;
        let parent = erika.send_text(&room, "eine vertrauliche Akte").await;
        let edit = json!({
            "msgtype": "m.text", "body": "* vertrauliche Fassung",
            "m.new_content": { "msgtype": "m.text", "body": "vertrauliche Fassung" },
            "m.relates_to": { "rel_type": "m.replace", "event_id": parent },
        });
        erika.send(&room, "m.room.message", edit).await;
        let body = json!({ "erase": true });
        let path = "/_matrix/client/v3/account/deactivate";
        assert_eq!(by_password(&erika, "POST", path, body).await.0, 200);

        let room_path = format!("/_matrix/client/v3/rooms/{}", enc(&room));
        let search = |term: &str| json!({ "search_categories": { "room_events": { "search_term": term } } });
        let look = async |user: &User| {
            let mut seen = Vec::new();
            for path in [
                "messages?dir=b&limit=100".to_owned(),
                format!("context/{}", enc(&said)),
                format!("event/{}", enc(&parent)),
                "members".to_owned(),
            ] {
                let (status, answer) = user.get(&format!("{room_path}/{path}")).await;
                assert_eq!(status, 200, "{path}: {answer}");
                seen.push(answer);
            }
            seen.push(user.sync(None).await);
            let found = user
                .post("/_matrix/client/v3/search", search("vertrauliche"))
                .await;
            seen.push(found.1["search_categories"]["room_events"]["results"].clone());
            json!(seen).to_string()
        };
        assert!(
            look(&anna).await.contains("eine vertrauliche Akte"),
            "who read it before still may"
        );
        let newcomer = server.user("newcomer").await;
        for user in [&newcomer, &max] {
            user.join(&room).await;
            let seen = look(user).await;
            assert!(seen.contains("was alle lesen"), "{seen}");
            assert!(!seen.contains("vertrauliche"), "{}: {seen}", user.id);
        }
    })
    .await;
}
