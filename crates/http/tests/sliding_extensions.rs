//! Extensions of sliding sync and what is told of people and their accounts, on both engines.

use std::time::Duration;

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

use crate::figures::{Figures, SYNCS_WAITING};

const UNSTABLE: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const PROFILES: &str = "org.matrix.msc4262.profiles";
const STICKY: &str = "org.matrix.msc4354.sticky_events";

async fn answer(user: &User, pos: Option<&str>, query: &str, body: Value) -> (u16, Value) {
    let pos = pos.map(|pos| format!("&pos={}", enc(pos))).unwrap_or_default();
    user.post(&format!("{UNSTABLE}?{query}{pos}"), body).await
}

async fn ask(user: &User, pos: Option<&str>, body: Value) -> Value {
    let (status, answer) = answer(user, pos, "timeout=0", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn pos(answer: &Value) -> String {
    answer["pos"].as_str().expect("a position").to_owned()
}

/// One list of so many rooms with these extensions.
fn wanted(last: u64, timeline_limit: u64, extensions: Value) -> Value {
    json!({
        "lists": { "all": {
            "ranges": [[0, last]], "timeline_limit": timeline_limit, "required_state": [["m.room.member", "$LAZY"]],
        } },
        "extensions": extensions,
    })
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "name": "Bauamt", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

async fn set_field(user: &User, name: &str, value: Value) {
    let path = format!("/_matrix/client/v3/profile/{}/{name}", enc(user.id.as_str()));
    let (status, answer) = user.put(&path, json!({ name: value })).await;
    assert_eq!(status, 200, "{answer}");
}

async fn send_sticky(user: &User, room: &str, text: &str, ms: u64) -> String {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/send/m.room.message/{text}?org.matrix.msc4354.sticky_duration_ms={ms}",
        enc(room)
    );
    let (status, answer) = user
        .put(&path, json!({ "msgtype": "m.text", "body": text }))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer["event_id"].as_str().expect("an event").to_owned()
}

fn sticky(answer: &Value, room: &str) -> Vec<String> {
    let events = answer["extensions"][STICKY]["rooms"][room]["events"].as_array();
    let events = events.map_or(&[][..], Vec::as_slice);
    events
        .iter()
        .filter_map(|event| event["content"]["body"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn profiles_come_with_the_people_who_are_shown_and_then_what_changed() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        set_field(&alice, "displayname", json!("Alice")).await;
        set_field(&alice, "org.example.office", json!({ "floor": 2 })).await;
        set_field(&carol, "displayname", json!("Carol")).await;
        alice.send_text(&room, "one").await;
        let body = wanted(9, 1, json!({ PROFILES: { "enabled": true } }));
        let first = ask(&bob, None, body.clone()).await;
        let users = &first["extensions"][PROFILES]["users"];
        assert_eq!(
            users[alice.id.as_str()]["updated"],
            json!({ "displayname": "Alice", "org.example.office": { "floor": 2 } })
        );
        assert!(users[alice.id.as_str()].get("removed").is_none());
        assert!(users.get(carol.id.as_str()).is_none(), "no room in common");

        alice.send_text(&room, "two").await;
        let second = ask(&bob, Some(&pos(&first)), body.clone()).await;
        assert!(second["extensions"][PROFILES].is_null(), "they are known");

        set_field(&alice, "org.example.office", json!(null)).await;
        set_field(&alice, "m.tz", json!("Europe/Berlin")).await;
        set_field(&bob, "m.tz", json!("Europe/Rome")).await;
        set_field(&carol, "m.tz", json!("Europe/Paris")).await;
        let path = format!(
            "/_matrix/client/v3/profile/{}/org.example.office",
            enc(alice.id.as_str())
        );
        assert_eq!(alice.delete(&path).await.0, 200);
        let third = ask(&bob, Some(&pos(&second)), body.clone()).await;
        assert_eq!(
            third["extensions"][PROFILES]["users"],
            json!({
                alice.id.as_str(): { "updated": { "m.tz": "Europe/Berlin" }, "removed": ["org.example.office"] },
                bob.id.as_str(): { "updated": { "m.tz": "Europe/Rome" } },
            })
        );
        let again = ask(&bob, Some(&pos(&second)), body.clone()).await;
        assert_eq!(again["extensions"], third["extensions"], "an answer that was lost");

        bob.leave(&room).await;
        let last = ask(&bob, Some(&pos(&again)), body).await;
        assert_eq!(
            last["extensions"][PROFILES]["users"],
            json!({ alice.id.as_str(): null })
        );
    })
    .await;
}

#[tokio::test]
async fn only_the_fields_of_profiles_that_are_wanted_are_told() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        set_field(&alice, "m.tz", json!("Europe/Berlin")).await;
        alice.send_text(&room, "one").await;
        let some = |fields: Value| wanted(9, 1, json!({ PROFILES: { "enabled": true, "fields": fields } }));
        let first = ask(&bob, None, some(json!(["m.tz"]))).await;
        let users = &first["extensions"][PROFILES]["users"];
        assert_eq!(
            users[alice.id.as_str()],
            json!({ "updated": { "m.tz": "Europe/Berlin" } })
        );
        set_field(&alice, "displayname", json!("Alice")).await;
        let second = ask(&bob, Some(&pos(&first)), some(json!(["m.tz"]))).await;
        assert!(second["extensions"][PROFILES].is_null(), "{second}");
        let nowhere = json!({ PROFILES: { "enabled": true, "lists": [], "rooms": [] } });
        let none = ask(&bob, None, wanted(9, 1, nowhere)).await;
        let users = &none["extensions"][PROFILES]["users"];
        assert!(users.get(alice.id.as_str()).is_none(), "out of scope: {none}");
    })
    .await;
}

#[tokio::test]
async fn sticky_events_come_oldest_first_until_the_client_has_them() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        for text in ["one", "two", "three"] {
            send_sticky(&alice, &room, text, 60_000).await;
        }
        send_sticky(&alice, &room, "short", 5_000).await;
        alice.send_text(&room, "last").await;
        server.clock().advance(Duration::from_secs(6));
        let part = |since: Option<&str>| json!({ STICKY: { "enabled": true, "limit": 2, "since": since } });
        let first = ask(&bob, None, wanted(9, 1, part(None))).await;
        assert_eq!(sticky(&first, &room), ["one", "two"]);
        let event = &first["extensions"][STICKY]["rooms"][&room]["events"][0];
        assert_eq!(event["unsigned"]["msc4354_sticky_duration_ttl_ms"], 54_000);
        let next = first["extensions"][STICKY]["next_batch"]
            .as_str()
            .expect("a token");
        let second = ask(&bob, Some(&pos(&first)), wanted(9, 1, part(Some(next)))).await;
        assert_eq!(sticky(&second, &room), ["three"]);
        let next = second["extensions"][STICKY]["next_batch"]
            .as_str()
            .expect("a token");
        let quiet = ask(&bob, Some(&pos(&second)), wanted(9, 1, part(Some(next)))).await;
        assert!(quiet["extensions"][STICKY].is_null(), "{quiet}");

        // What stands in the timeline isn't told twice.
        send_sticky(&alice, &room, "four", 60_000).await;
        let last = ask(&bob, Some(&pos(&quiet)), wanted(9, 1, part(Some(next)))).await;
        assert_eq!(last["rooms"][&room]["timeline"][0]["content"]["body"], "four");
        assert_eq!(sticky(&last, &room), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn sticky_events_of_wanted_rooms_come_outside_the_window_and_with_a_join_and_not_from_others() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let hidden = alice.create_room(json!({ "preset": "public_chat" })).await;
        send_sticky(&alice, &room, "below", 60_000).await;
        send_sticky(&alice, &hidden, "hidden", 60_000).await;
        let newer = bob.create_room(json!({ "preset": "private_chat" })).await;
        let part = |since: Option<&str>| json!({ STICKY: { "enabled": true, "since": since } });
        let first = ask(&bob, None, wanted(0, 1, part(None))).await;
        assert!(first["rooms"][&newer].is_object() && first["rooms"][&room].is_null());
        assert_eq!(sticky(&first, &room), ["below"]);
        assert_eq!(sticky(&first, &hidden), Vec::<String>::new());
        let next = first["extensions"][STICKY]["next_batch"]
            .as_str()
            .expect("a token");

        bob.join(&hidden).await;
        let second = ask(&bob, Some(&pos(&first)), wanted(0, 0, part(Some(next)))).await;
        assert_eq!(sticky(&second, &hidden), ["hidden"]);

        let ignore = format!(
            "/_matrix/client/v3/user/{}/account_data/m.ignored_user_list",
            enc(bob.id.as_str())
        );
        let ignored = json!({ "ignored_users": { alice.id.as_str(): {} } });
        assert_eq!(bob.put(&ignore, ignored).await.0, 200);
        let none = ask(&bob, None, wanted(9, 1, part(None))).await;
        assert_eq!(sticky(&none, &room), Vec::<String>::new());
        let unlisted = json!({ "lists": {}, "room_subscriptions": {}, "extensions": part(None) });
        let none = ask(&alice, None, unlisted).await;
        assert_eq!(
            sticky(&none, &room),
            Vec::<String>::new(),
            "no rule wants the room"
        );
    })
    .await;
}

#[tokio::test]
async fn invitations_do_not_come_to_whoever_takes_none() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice
            .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
            .await;
        let body = wanted(9, 1, json!({}));
        let first = ask(&bob, None, body.clone()).await;
        assert!(first["rooms"][&room]["invite_state"].is_array());
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.invite_permission_config",
            enc(bob.id.as_str())
        );
        let set = async |action: &str| {
            let (status, answer) = bob.put(&path, json!({ "default_action": action })).await;
            assert_eq!(status, 200, "{answer}");
        };
        set("block").await;
        let goes_on = ask(&bob, Some(&pos(&first)), body.clone()).await;
        assert_eq!(goes_on["lists"]["all"]["count"], 0);
        let anew = ask(&bob, None, body.clone()).await;
        assert_eq!(
            (&anew["rooms"], &anew["lists"]["all"]["count"]),
            (&json!({}), &json!(0))
        );
        set("allow").await;
        let back = ask(&bob, Some(&pos(&anew)), body).await;
        assert!(back["rooms"][&room]["invite_state"].is_array(), "{back}");
    })
    .await;
}

#[tokio::test]
async fn a_room_that_becomes_one_for_two_is_told_as_that_and_back() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let body = wanted(9, 1, json!({}));
        let first = ask(&bob, None, body.clone()).await;
        assert!(first["rooms"][&room].get("is_dm").is_none());
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.direct",
            enc(bob.id.as_str())
        );
        assert_eq!(bob.put(&path, json!({ alice.id.as_str(): [room] })).await.0, 200);
        let second = ask(&bob, Some(&pos(&first)), body.clone()).await;
        assert_eq!(second["rooms"][&room]["is_dm"], true);
        assert!(second["rooms"][&room].get("initial").is_none());
        assert_eq!(bob.put(&path, json!({})).await.0, 200);
        let third = ask(&bob, Some(&pos(&second)), body.clone()).await;
        assert_eq!(third["rooms"][&room]["is_dm"], false);
        let quiet = ask(&bob, Some(&pos(&third)), body).await;
        assert_eq!(quiet["rooms"], json!({}));
    })
    .await;
}

#[tokio::test]
async fn a_waiting_request_ends_when_the_account_is_locked() {
    let figures = Figures::default();
    let _counting = figures.count();
    TestServer::each(async |server| {
        let root = server.administrator("root").await;
        let (_, bob, _) = two_in_a_room(&server).await;
        let body = wanted(9, 1, json!({ "e2ee": { "enabled": true } }));
        let first = ask(&bob, None, body.clone()).await;
        let at = pos(&first);
        let waiting = answer(&bob, Some(&at), "timeout=60000", body);
        let locking = async {
            figures.until(SYNCS_WAITING, 1).await;
            let path = format!("/_matrix/client/v1/admin/lock/{}", enc(bob.id.as_str()));
            let (status, answer) = root.put(&path, json!({ "locked": true })).await;
            assert_eq!(status, 200, "{answer}");
        };
        // Whoever isn't woken is answered with 200 when the time is up.
        let ((status, answer), ()) = tokio::join!(waiting, locking);
        assert_eq!((status, &answer["errcode"]), (401, &json!("M_USER_LOCKED")));
        assert_eq!(answer["soft_logout"], true);
    })
    .await;
}

#[tokio::test]
async fn how_one_is_seen_meanwhile_is_checked() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for state in ["online", "unavailable", "offline"] {
            let body = json!({ "set_presence": state });
            assert_eq!(answer(&alice, None, "timeout=0", body).await.0, 200, "{state}");
            let query = format!("set_presence={state}");
            assert_eq!(answer(&alice, None, &query, json!({})).await.0, 200, "{state}");
        }
        let refused = [
            answer(&alice, None, "timeout=0", json!({ "set_presence": "busy" })).await,
            answer(&alice, None, "set_presence=busy", json!({})).await,
            alice
                .get("/_matrix/client/v3/sync?timeout=0&set_presence=busy")
                .await,
        ];
        for (status, answer) in refused {
            assert_eq!((status, &answer["errcode"]), (400, &json!("M_INVALID_PARAM")));
        }
    })
    .await;
}
