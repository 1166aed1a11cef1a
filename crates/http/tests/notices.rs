//! Server notices, the search for people, and what is told at well-known addresses.

use rohrpost_core::settings::PeopleSearch;
use rohrpost_room::Encryption;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

const NOTICES: &str = "/_rohrpost/admin/v1/notices";

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

async fn notify(root: &User, user: &User, text: &str) {
    let (status, answer) = root
        .post(NOTICES, json!({ "user_id": user.id, "text": text }))
        .await;
    assert_eq!(status, 200, "{answer}");
}

async fn invited_to(user: &User) -> String {
    let sync = user.sync(None).await;
    let rooms = sync["rooms"]["invite"].as_object().expect("an invitation");
    assert_eq!(rooms.len(), 1, "{sync}");
    rooms.keys().next().expect("a room").clone()
}

#[tokio::test]
async fn the_server_speaks_to_each_person_in_one_room_whatever_the_policy() {
    TestServer::with(|settings| settings.encryption = Encryption::Required)
        .each(async |server| {
            let (root, bob) = (server.administrator("root").await, server.user("bob").await);
            notify(&root, &bob, "Wartung heute").await;
            let room = invited_to(&bob).await;
            let refused = bob.post(&room_path(&room, "leave"), json!({})).await;
            assert_eq!(errcode(&refused), (403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"));
            bob.join(&room).await;
            notify(&root, &bob, "Wartung vorbei").await;
            let sync = bob.sync(None).await;
            let joined = &sync["rooms"]["join"][&room];
            let texts: Vec<&Value> = joined["timeline"]["events"]
                .as_array()
                .expect("events")
                .iter()
                .filter(|event| event["type"] == "m.room.message")
                .map(|event| &event["content"])
                .collect();
            let bodies: Vec<&str> = texts.iter().filter_map(|text| text["body"].as_str()).collect();
            assert_eq!(bodies, ["Wartung heute", "Wartung vorbei"], "{sync}");
            assert_eq!(texts[0]["msgtype"], "m.server_notice");
            let data = joined["account_data"]["events"].to_string();
            assert!(data.contains("m.server_notice"), "{data}");
            let (_, name) = bob.get(&room_path(&room, "state/m.room.name")).await;
            assert_eq!(name["name"], "Mitteilungen");
            // Nobody else comes in.
            let refused = bob
                .post(&room_path(&room, "invite"), json!({ "user_id": root.id }))
                .await;
            assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));

            bob.leave(&room).await;
            notify(&root, &bob, "Noch etwas").await;
            assert_eq!(invited_to(&bob).await, room);
        })
        .await;
}

#[tokio::test]
async fn a_suspended_person_may_answer_to_a_notice() {
    TestServer::each(async |server| {
        let (root, bob) = (server.administrator("root").await, server.user("bob").await);
        notify(&root, &bob, "Bitte melden").await;
        let room = invited_to(&bob).await;
        bob.join(&room).await;
        let path = format!("/_matrix/client/v1/admin/suspend/{}", enc(bob.id.as_str()));
        assert_eq!(root.put(&path, json!({ "suspended": true })).await.0, 200);
        bob.send_text(&room, "hier").await;
    })
    .await;
}

#[tokio::test]
async fn notices_are_for_administrators_and_for_people_who_are_there() {
    TestServer::each(async |server| {
        let (root, bob) = (server.administrator("root").await, server.user("bob").await);
        let body = |user: &str, text: &str| json!({ "user_id": user, "text": text });
        let good = body(bob.id.as_str(), "x");
        assert_eq!(
            errcode(&bob.post(NOTICES, good.clone()).await),
            (403, "M_FORBIDDEN")
        );
        assert_eq!(
            errcode(&server.post(NOTICES, None, good).await),
            (401, "M_MISSING_TOKEN")
        );
        for (body, expected) in [
            (body("@nobody:test.example", "x"), (404, "M_NOT_FOUND")),
            (body("@bob:elsewhere.example", "x"), (404, "M_NOT_FOUND")),
            (body(bob.id.as_str(), " "), (400, "M_INVALID_PARAM")),
            (
                body(bob.id.as_str(), &"x".repeat(40_000)),
                (400, "M_INVALID_PARAM"),
            ),
            (json!({ "user_id": "bob", "text": "x" }), (400, "M_BAD_JSON")),
            (json!({}), (400, "M_BAD_JSON")),
        ] {
            assert_eq!(errcode(&root.post(NOTICES, body).await), expected);
        }
        assert!(bob.sync(None).await["rooms"]["invite"].is_null());
    })
    .await;
}

#[tokio::test]
async fn notices_do_not_come_from_the_account_of_a_person() {
    TestServer::each(async |server| {
        let (root, bob) = (server.administrator("root").await, server.user("bob").await);
        server.user("notices").await;
        let refused = root
            .post(NOTICES, json!({ "user_id": bob.id, "text": "x" }))
            .await;
        assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));
    })
    .await;
}

#[tokio::test]
async fn people_find_those_whom_the_operator_lets_be_found() {
    for (search, before, after) in [
        (PeopleSearch::Everybody, 1, 1),
        (PeopleSearch::SharedRooms, 0, 1),
        (PeopleSearch::Nobody, 0, 0),
    ] {
        TestServer::with(|settings| settings.people_search = search)
            .each(async |server| {
                let (alice, bob) = (server.user("alice").await, server.user("bob").await);
                let found = async || {
                    let path = "/_matrix/client/v3/user_directory/search";
                    let (status, answer) = alice.post(path, json!({ "search_term": "bob" })).await;
                    assert_eq!(status, 200, "{answer}");
                    answer["results"].as_array().expect("results").len()
                };
                let room = alice.create_room(json!({ "preset": "public_chat" })).await;
                assert_eq!(found().await, before, "{search:?}");
                bob.join(&room).await;
                assert_eq!(found().await, after, "{search:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn whom_to_ask_is_told_where_the_operator_set_it() {
    let (support, policy) = ("/.well-known/matrix/support", "/.well-known/matrix/policy_server");
    let server = TestServer::sqlite().await;
    for path in [support, policy] {
        assert_eq!(server.get(path, None).await.0, 404, "{path}");
    }
    let key = "6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s";
    let server = TestServer::with(|settings| {
        settings.support.page = Some("https://test.example/help".to_owned());
        settings.support.admin_email = Some("admin@test.example".to_owned());
        settings.support.security_email = Some("security@test.example".to_owned());
        settings.support.policy_server_key = Some(key.to_owned());
    })
    .sqlite()
    .await;
    let contact = |email: &str, role: &str| json!({ "email_address": email, "role": role });
    let expected = json!({
        "support_page": "https://test.example/help",
        "contacts": [
            contact("admin@test.example", "m.role.admin"),
            contact("security@test.example", "m.role.security"),
        ],
    });
    assert_eq!(server.get(support, None).await, (200, expected));
    assert_eq!(
        server.get(policy, None).await,
        (200, json!({ "public_keys": { "ed25519": key } }))
    );
}
