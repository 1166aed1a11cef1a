//! Locking, suspending and reporting, over the client-server API on both engines.

use rohrpost_testkit::{PASSWORD, TestServer, User, enc};
use serde_json::{Value, json};

use crate::figures::{Figures, SYNCS_WAITING};

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

fn admin(what: &str, user: &str) -> String {
    format!("/_matrix/client/v1/admin/{what}/{}", enc(user))
}

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

async fn restrict(root: &User, what: &str, user: &User, on: bool) {
    let key = if what == "lock" { "locked" } else { "suspended" };
    for _ in 0..2 {
        let answer = root.put(&admin(what, user.id.as_str()), json!({ key: on })).await;
        assert_eq!(answer, (200, json!({ key: on })));
        let answer = root.get(&admin(what, user.id.as_str())).await;
        assert_eq!(answer, (200, json!({ key: on })));
    }
}

#[tokio::test]
async fn a_locked_account_can_do_nothing_but_sign_out_and_keeps_its_devices() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let (root, bob) = (server.administrator("root").await, server.user("bob").await);
        let phone = bob.another_device().await;
        let since = bob.sync(None).await["next_batch"].as_str().expect("a token").to_owned();
        let path = format!("/_matrix/client/v3/sync?timeout=30000&since={}", enc(&since));
        let lock = async {
            figures.until(SYNCS_WAITING, 1).await;
            restrict(&root, "lock", &bob, true).await;
        };
        let (woken, ()) = tokio::join!(bob.get(&path), lock);
        assert_eq!(errcode(&woken), (401, "M_USER_LOCKED"));
        for path in ["/_matrix/client/v3/account/whoami", "/_matrix/client/v3/sync"] {
            let refused = bob.get(path).await;
            assert_eq!(errcode(&refused), (401, "M_USER_LOCKED"), "{path}");
            assert_eq!(refused.1["soft_logout"], true, "{path}");
        }
        let login = json!({
            "type": "m.login.password", "identifier": { "type": "m.id.user", "user": bob.id }, "password": PASSWORD,
        });
        let refused = server.post("/_matrix/client/v3/login", None, login.clone()).await;
        assert_eq!(errcode(&refused), (401, "M_USER_LOCKED"));
        let wrong = json!({
            "type": "m.login.password", "identifier": { "type": "m.id.user", "user": bob.id }, "password": "wrong",
        });
        let refused = server.post("/_matrix/client/v3/login", None, wrong).await;
        assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"), "nobody else learns of the lock");

        assert_eq!(phone.post("/_matrix/client/v3/logout", json!({})).await.0, 200);
        restrict(&root, "lock", &bob, false).await;
        assert_eq!(bob.get("/_matrix/client/v3/account/whoami").await.0, 200);
        let gone = phone.get("/_matrix/client/v3/account/whoami").await;
        assert_eq!(errcode(&gone), (401, "M_UNKNOWN_TOKEN"));
        assert_eq!(server.post("/_matrix/client/v3/login", None, login).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_suspended_account_reads_and_leaves_and_does_not_take_part() {
    TestServer::each(async |server| {
        let (root, alice, bob) = (
            server.administrator("root").await,
            server.user("alice").await,
            server.user("bob").await,
        );
        let room = alice.create_room(json!({ "preset": "public_chat" })).await;
        let other = alice.create_room(json!({ "preset": "public_chat" })).await;
        bob.join(&room).await;
        let own = bob.send_text(&room, "mine").await;
        let invited = alice.create_room(json!({ "invite": [bob.id] })).await;
        restrict(&root, "suspend", &bob, true).await;

        let text = json!({ "msgtype": "m.text", "body": "no" });
        let name = format!("/_matrix/client/v3/profile/{}/displayname", enc(bob.id.as_str()));
        let refused = [
            (
                "sending",
                bob.put(&room_path(&room, "send/m.room.message/t1"), text).await,
            ),
            (
                "state",
                bob.put(&room_path(&room, "state/m.room.topic"), json!({ "topic": "no" }))
                    .await,
            ),
            ("joining", bob.post(&room_path(&other, "join"), json!({})).await),
            (
                "accepting",
                bob.post(&room_path(&invited, "join"), json!({})).await,
            ),
            (
                "inviting",
                bob.post(&room_path(&room, "invite"), json!({ "user_id": root.id }))
                    .await,
            ),
            (
                "a room",
                bob.post("/_matrix/client/v3/createRoom", json!({})).await,
            ),
            (
                "knocking",
                bob.post(&format!("/_matrix/client/v3/knock/{}", enc(&other)), json!({}))
                    .await,
            ),
            (
                "an upgrade",
                bob.post(&room_path(&room, "upgrade"), json!({ "new_version": "12" }))
                    .await,
            ),
            ("a name", bob.put(&name, json!({ "displayname": "Bobby" })).await),
        ];
        for (what, answer) in &refused {
            assert_eq!(errcode(answer), (403, "M_USER_SUSPENDED"), "{what}");
        }
        assert_eq!(bob.get(&room_path(&room, "messages?dir=b")).await.0, 200);
        assert!(bob.sync(None).await["rooms"]["join"][&room].is_object());
        bob.another_device().await;
        let redact = room_path(&room, &format!("redact/{}/t2", enc(&own)));
        assert_eq!(bob.put(&redact, json!({})).await.0, 200);
        bob.leave(&invited).await;
        bob.leave(&room).await;

        restrict(&root, "suspend", &bob, false).await;
        bob.join(&room).await;
        bob.send_text(&room, "back").await;
    })
    .await;
}

#[tokio::test]
async fn a_suspended_moderator_does_not_remove_what_others_wrote() {
    TestServer::each(async |server| {
        let (root, alice, bob) = (
            server.administrator("root").await,
            server.user("alice").await,
            server.user("bob").await,
        );
        let room = alice.create_room(json!({ "preset": "public_chat" })).await;
        bob.join(&room).await;
        let event = bob.send_text(&room, "bob's").await;
        restrict(&root, "suspend", &alice, true).await;
        let redact = room_path(&room, &format!("redact/{}/t", enc(&event)));
        let refused = alice.put(&redact, json!({})).await;
        assert_eq!(errcode(&refused), (403, "M_USER_SUSPENDED"));
    })
    .await;
}

#[tokio::test]
async fn only_administrators_restrict_accounts_and_no_others_of_their_kind() {
    TestServer::each(async |server| {
        let (root, second, bob) = (
            server.administrator("root").await,
            server.administrator("second").await,
            server.user("bob").await,
        );
        for (what, key) in [("lock", "locked"), ("suspend", "suspended")] {
            for (user, expected) in [
                (root.id.as_str(), (403, "M_FORBIDDEN")),
                (second.id.as_str(), (403, "M_FORBIDDEN")),
                ("@nobody:test.example", (404, "M_NOT_FOUND")),
                ("@bob:elsewhere.example", (400, "M_INVALID_PARAM")),
            ] {
                let set = root.put(&admin(what, user), json!({ key: true })).await;
                assert_eq!(errcode(&set), expected, "{what} {user}");
                let get = root.get(&admin(what, user)).await;
                assert_eq!(errcode(&get), expected, "{what} {user}");
            }
            for user in [bob.id.as_str(), "@nobody:test.example"] {
                let refused = bob.put(&admin(what, user), json!({ key: true })).await;
                assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));
                assert_eq!(errcode(&bob.get(&admin(what, user)).await), (403, "M_FORBIDDEN"));
            }
            let malformed = root
                .put(&admin(what, bob.id.as_str()), json!({ key: "yes" }))
                .await;
            assert_eq!(errcode(&malformed), (400, "M_BAD_JSON"));
            let no_token = server.get(&admin(what, bob.id.as_str()), None).await;
            assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));
        }
        for (user, may) in [(&root, true), (&bob, false)] {
            let (_, answer) = user.get("/_matrix/client/v3/capabilities").await;
            let capability = &answer["capabilities"]["m.account_moderation"];
            assert_eq!(
                capability["lock"] == true && capability["suspend"] == true,
                may,
                "{answer}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn reports_are_kept_for_administrators_and_tell_the_reporter_nothing() {
    TestServer::each(async |server| {
        let (root, alice, bob) = (
            server.administrator("root").await,
            server.user("alice").await,
            server.user("bob").await,
        );
        let room = alice.create_room(json!({ "preset": "public_chat" })).await;
        let private = alice.create_room(json!({})).await;
        let hidden = alice.send_text(&private, "not for bob").await;
        bob.join(&room).await;
        let event = alice.send_text(&room, "rude").await;
        let event_path = |room: &str, event: &str| room_path(room, &format!("report/{}", enc(event)));
        let user_path = |user: &str| format!("/_matrix/client/v3/users/{}/report", enc(user));
        let reason = json!({ "reason": "Beleidigung" });
        for path in [
            event_path(&room, &event),
            event_path(&room, &event),
            room_path(&private, "report"),
            user_path(alice.id.as_str()),
            // Of these nothing is kept.
            event_path(&private, &hidden),
            event_path(&room, "$nothing"),
            event_path("!nowhere:test.example", "$nothing"),
            room_path("!nowhere:test.example", "report"),
            user_path("@nobody:test.example"),
        ] {
            assert_eq!(bob.post(&path, reason.clone()).await, (200, json!({})), "{path}");
            assert_eq!(
                errcode(&server.post(&path, None, reason.clone()).await),
                (401, "M_MISSING_TOKEN")
            );
            assert_eq!(
                errcode(&bob.post(&path, json!({ "reason": 7 })).await),
                (400, "M_BAD_JSON")
            );
        }
        let long = json!({ "reason": "x".repeat(5000) });
        let refused = bob.post(&room_path(&room, "report"), long).await;
        assert_eq!(errcode(&refused), (413, "M_TOO_LARGE"));

        let list = "/_rohrpost/admin/v1/reports";
        assert_eq!(errcode(&bob.get(list).await), (403, "M_FORBIDDEN"));
        let (status, answer) = root.get(list).await;
        assert_eq!(status, 200, "{answer}");
        let reports = answer["reports"].as_array().expect("reports");
        assert_eq!(reports.len(), 3, "{answer}");
        for report in reports {
            assert_eq!(
                (&report["reporter"], &report["reason"]),
                (&json!(bob.id), &json!("Beleidigung"))
            );
        }
        assert!(
            reports
                .iter()
                .any(|report| report["event_id"] == event && report["room_id"] == room)
        );
        assert!(
            reports
                .iter()
                .any(|report| report["user_id"] == alice.id.as_str())
        );
        assert!(reports.iter().any(|report| report["room_id"] == private));

        let close = format!("{list}/{}", reports[0]["id"]);
        assert_eq!(errcode(&bob.delete(&close).await), (403, "M_FORBIDDEN"));
        assert_eq!(root.delete(&close).await.0, 200);
        assert_eq!(errcode(&root.delete(&close).await), (404, "M_NOT_FOUND"));
        assert_eq!(
            errcode(&root.delete(&format!("{list}/x")).await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(
            root.get(list).await.1["reports"].as_array().map(Vec::len),
            Some(2)
        );
    })
    .await;
}

#[tokio::test]
async fn where_somebody_is_signed_in_is_told_to_them_and_to_administrators() {
    TestServer::each(async |server| {
        let (root, alice, bob) = (
            server.administrator("root").await,
            server.user("alice").await,
            server.user("bob").await,
        );
        let path = |user: &str| format!("/_matrix/client/v3/admin/whois/{}", enc(user));
        for user in [&root, &alice] {
            let (status, answer) = user.get(&path(alice.id.as_str())).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(answer["user_id"], alice.id.as_str());
            let connection = &answer["devices"][alice.device.as_str()]["sessions"][0]["connections"][0];
            assert!(connection["last_seen"].is_i64(), "{answer}");
        }
        for user in [alice.id.as_str(), "@nobody:test.example"] {
            assert_eq!(errcode(&bob.get(&path(user)).await), (403, "M_FORBIDDEN"));
        }
        assert_eq!(
            errcode(&root.get(&path("@nobody:test.example")).await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(
            errcode(&server.get(&path(alice.id.as_str()), None).await),
            (401, "M_MISSING_TOKEN")
        );
    })
    .await;
}
