//! Guests: they come without an account, look around, and go again or stay.

use std::time::Duration;

use rohrpost_core::{accounts::guest as guests, settings::Guests};
use rohrpost_testkit::{PASSWORD, TestServer, User, enc};
use ruma::UserId;
use serde_json::{Value, json};

const REGISTER: &str = "/_matrix/client/v3/register";
const AS_GUEST: &str = "/_matrix/client/v3/register?kind=guest";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn each(test: impl AsyncFn(TestServer)) {
    TestServer::with(|settings| {
        settings.guests = Some(Guests {
            max: 3,
            unused_days: 7,
        });
    })
    .each(test)
    .await;
}

/// Somebody who looks around.
pub(crate) async fn guest(server: &TestServer) -> User {
    let (status, guest) = server.post(AS_GUEST, None, json!({})).await;
    assert_eq!(status, 200, "{guest}");
    let text = |key: &str| guest[key].as_str().expect("it is there").to_owned();
    User {
        server: server.clone(),
        id: UserId::parse(text("user_id")).expect("a user id"),
        token: text("access_token"),
        device: text("device_id").into(),
    }
}

fn refusal((status, body): (u16, Value)) -> (u16, String) {
    (status, body["errcode"].as_str().unwrap_or_default().to_owned())
}

fn forbidden() -> (u16, String) {
    (403, "M_GUEST_ACCESS_FORBIDDEN".to_owned())
}

async fn open_room(anna: &User, guest_access: &str) -> String {
    let room = anna.create_room(json!({ "preset": "public_chat" })).await;
    let content = json!({ "guest_access": guest_access });
    anna.set_state(&room, "m.room.guest_access", "", content).await;
    room
}

async fn join(guest: &User, room: &str) -> (u16, String) {
    let path = format!("/_matrix/client/v3/rooms/{}/join", enc(room));
    refusal(guest.post(&path, json!({})).await)
}

async fn membership(anna: &User, room: &str, of: &User) -> Value {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
        enc(room),
        enc(of.id.as_str())
    );
    anna.get(&path).await.1["membership"].clone()
}

#[tokio::test]
async fn there_are_no_guests_unless_the_operator_wants_them() {
    TestServer::each(async |server| {
        assert_eq!(refusal(server.post(AS_GUEST, None, json!({})).await), forbidden());
    })
    .await;
}

#[tokio::test]
async fn a_guest_gets_a_number_and_a_device_whatever_they_wish_for() {
    each(async |server| {
        let wish = json!({
            "username": "erika", "password": PASSWORD, "device_id": "MINE", "inhibit_login": true,
            "refresh_token": true, "initial_device_display_name": "Browser",
        });
        let (status, made) = server.post(AS_GUEST, None, wish).await;
        assert_eq!(status, 200, "{made}");
        let user_id = made["user_id"].as_str().expect("a user id");
        let name = user_id
            .trim_start_matches('@')
            .split(':')
            .next()
            .unwrap_or_default();
        assert!(
            name.len() == 15 && name.bytes().all(|byte| byte.is_ascii_digit()),
            "{user_id}"
        );
        assert_ne!(made["device_id"], "MINE");
        assert_eq!(made["refresh_token"], Value::Null);
        let token = made["access_token"].as_str();
        let (status, who) = server.get(WHOAMI, token).await;
        assert_eq!((status, &who["is_guest"]), (200, &json!(true)));
        assert_eq!(who["device_id"], made["device_id"]);
        let devices = server.get("/_matrix/client/v3/devices", token).await.1;
        assert_eq!(devices["devices"][0]["display_name"], "Browser");
        let anna = server.user("anna").await;
        assert_ne!(anna.get(WHOAMI).await.1["is_guest"], json!(true));
        // Nobody signs in to the account of a guest by password, and nobody finds them.
        let login = json!({
            "type": "m.login.password", "password": PASSWORD,
            "identifier": { "type": "m.id.user", "user": user_id },
        });
        assert_eq!(server.post("/_matrix/client/v3/login", None, login).await.0, 403);
        let search = "/_matrix/client/v3/user_directory/search";
        let found = anna.post(search, json!({ "search_term": name })).await.1;
        assert_eq!(found["results"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_guest_may_change_their_name_and_nothing_else_of_their_profile() {
    each(async |server| {
        let guest = guest(&server).await;
        let profile = format!("/_matrix/client/v3/profile/{}", enc(guest.id.as_str()));
        let name = json!({ "displayname": "Gast" });
        assert_eq!(guest.put(&format!("{profile}/displayname"), name).await.0, 200);
        assert_eq!(guest.get(&profile).await.1["displayname"], "Gast");
        for (field, value) in [
            ("avatar_url", json!("mxc://a/b")),
            ("m.tz", json!("Europe/Berlin")),
        ] {
            let path = format!("{profile}/{field}");
            assert_eq!(
                refusal(guest.put(&path, json!({ field: value })).await),
                forbidden()
            );
            assert_eq!(refusal(guest.delete(&path).await), forbidden());
        }
        assert_eq!(guest.delete(&format!("{profile}/displayname")).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn guests_come_only_into_rooms_that_take_them() {
    each(async |server| {
        let anna = server.user("anna").await;
        let guest = guest(&server).await;
        let (closed, open) = (
            open_room(&anna, "forbidden").await,
            open_room(&anna, "can_join").await,
        );
        let silent = anna.create_room(json!({ "preset": "public_chat" })).await;
        assert_eq!(join(&guest, &closed).await, forbidden());
        assert_eq!(join(&guest, &silent).await, forbidden());
        // Nor by the side door.
        let own = format!(
            "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
            enc(&closed),
            enc(guest.id.as_str())
        );
        assert_eq!(
            refusal(guest.put(&own, json!({ "membership": "join" })).await),
            forbidden()
        );
        let invite = format!("/_matrix/client/v3/rooms/{}/invite", enc(&closed));
        let refused = refusal(anna.post(&invite, json!({ "user_id": guest.id })).await);
        assert_eq!(refused, forbidden());
        // A room that they may not know of answers as to everybody.
        let private = anna.create_room(json!({ "preset": "private_chat" })).await;
        assert_eq!(join(&guest, &private).await.1, "M_FORBIDDEN");

        assert_eq!(join(&guest, &open).await.0, 200);
        guest.send_text(&open, "guten Tag").await;
        guest.leave(&open).await;
    })
    .await;
}

#[tokio::test]
async fn guests_are_sent_out_when_a_room_takes_them_no_more() {
    each(async |server| {
        let anna = server.user("anna").await;
        let (one, two) = (guest(&server).await, guest(&server).await);
        let forbid = json!({ "guest_access": "forbidden" });
        // A word that nobody knows lets nobody in.
        for content in [forbid, json!({ "guest_access": "org.example.perhaps" })] {
            let room = open_room(&anna, "can_join").await;
            assert_eq!(join(&one, &room).await.0, 200);
            assert_eq!(join(&two, &room).await.0, 200);
            let since = anna.sync(None).await["next_batch"].as_str().map(str::to_owned);
            anna.set_state(&room, "m.room.guest_access", "", content).await;
            for guest in [&one, &two] {
                assert_eq!(membership(&anna, &room, guest).await, "leave");
                let send = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/t", enc(&room));
                let message = json!({ "msgtype": "m.text", "body": "noch da?" });
                assert_eq!(
                    refusal(guest.put(&send, message).await),
                    (403, "M_FORBIDDEN".to_owned())
                );
            }
            // Whoever stays is told.
            let news = anna.sync(since.as_deref()).await;
            let events = news["rooms"]["join"][&room]["timeline"]["events"]
                .as_array()
                .cloned();
            let left = events.unwrap_or_default();
            let left = left
                .iter()
                .filter(|event| event["content"]["membership"] == "leave");
            assert_eq!(left.count(), 2, "{news}");
            assert_eq!(membership(&anna, &room, &anna).await, "join");
        }
    })
    .await;
}

#[tokio::test]
async fn guests_are_sent_out_when_the_word_that_let_them_in_is_redacted() {
    each(async |server| {
        let anna = server.user("anna").await;
        let guest = guest(&server).await;
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let content = json!({ "guest_access": "can_join" });
        let event = anna.set_state(&room, "m.room.guest_access", "", content).await;
        assert_eq!(join(&guest, &room).await.0, 200);
        let said = guest.send_text(&room, "hallo").await;
        let redact = |event: &str| {
            format!(
                "/_matrix/client/v3/rooms/{}/redact/{}/{}",
                enc(&room),
                enc(event),
                &event[1..5]
            )
        };
        assert_eq!(anna.put(&redact(&said), json!({})).await.0, 200);
        assert_eq!(membership(&anna, &room, &guest).await, "join");
        assert_eq!(anna.put(&redact(&event), json!({})).await.0, 200);
        assert_eq!(membership(&anna, &room, &guest).await, "leave");
    })
    .await;
}

#[tokio::test]
async fn a_guest_becomes_a_person_with_an_account_and_the_old_token_ends() {
    each(async |server| {
        let anna = server.user("anna").await;
        let guest = guest(&server).await;
        let room = open_room(&anna, "can_join").await;
        assert_eq!(join(&guest, &room).await.0, 200);
        let upgrade = async |name: Value, token: &str| {
            let mut body = json!({
                "username": name, "password": PASSWORD, "guest_access_token": token,
                "auth": { "type": "m.login.dummy" },
            });
            if body["username"].is_null() {
                body.as_object_mut().expect("an object").remove("username");
            }
            server.post(REGISTER, None, body).await
        };
        let name = json!(guest.id.localpart());
        let refused = async |name: Value, token: &str| refusal(upgrade(name, token).await);
        assert_eq!(
            refused(json!(null), &guest.token).await,
            (400, "M_MISSING_PARAM".to_owned())
        );
        assert_eq!(
            refused(json!("erika"), &guest.token).await,
            (400, "M_INVALID_USERNAME".to_owned())
        );
        for token in ["", "null", &anna.token] {
            assert_eq!(
                refused(name.clone(), token).await,
                (403, "M_FORBIDDEN".to_owned())
            );
        }
        let (status, made) = upgrade(name.clone(), &guest.token).await;
        assert_eq!((status, &made["user_id"]), (200, &json!(guest.id)), "{made}");
        assert_eq!(
            refusal(guest.get(WHOAMI).await),
            (401, "M_UNKNOWN_TOKEN".to_owned())
        );
        let token = made["access_token"].as_str();
        let (status, who) = server.get(WHOAMI, token).await;
        assert_eq!(status, 200);
        assert_ne!(who["is_guest"], json!(true));
        assert_eq!(membership(&anna, &room, &guest).await, "join");
        // Now the room may close its door to guests: this isn't one any more.
        let forbid = json!({ "guest_access": "forbidden" });
        anna.set_state(&room, "m.room.guest_access", "", forbid).await;
        assert_eq!(membership(&anna, &room, &guest).await, "join");
        assert_eq!(refused(name, &guest.token).await, (403, "M_FORBIDDEN".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn there_is_an_end_to_the_guests_and_to_each_of_them() {
    each(async |server| {
        let anna = server.user("anna").await;
        let room = open_room(&anna, "can_join").await;
        let (idle, busy) = (guest(&server).await, guest(&server).await);
        assert_eq!(join(&idle, &room).await.0, 200);
        guest(&server).await;
        let (status, full) = server.post(AS_GUEST, None, json!({})).await;
        assert_eq!((status, &full["errcode"]), (429, &json!("M_LIMIT_EXCEEDED")));
        server.clock().advance(6 * DAY);
        assert_eq!(busy.get(WHOAMI).await.0, 200);
        server.clock().advance(2 * DAY);
        guests::tidy(&server.core()).await.expect("the store works");
        assert_eq!(busy.get(WHOAMI).await.0, 200);
        assert_ne!(idle.get(WHOAMI).await.0, 200);
        assert_eq!(membership(&anna, &room, &idle).await, "leave");
        assert_eq!(anna.get(WHOAMI).await.0, 200);
        guest(&server).await;
    })
    .await;
}
