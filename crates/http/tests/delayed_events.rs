//! Planned and sticky events, over the client-server API on both engines.

use std::time::Duration;

use rohrpost_core::delayed_events::send_due::send_due;
use rohrpost_room::Encryption;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

const DELAYED: &str = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
const CALL_MEMBER: &str = "org.matrix.msc3401.call.member";

fn send_path(room: &str, txn: &str, query: &str) -> String {
    let room = enc(room);
    format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}?{query}")
}

fn state_path(room: &str, kind: &str, key: &str, query: &str) -> String {
    format!(
        "/_matrix/client/v3/rooms/{}/state/{kind}/{}?{query}",
        enc(room),
        enc(key)
    )
}

fn text(body: &str) -> Value {
    json!({ "msgtype": "m.text", "body": body })
}

async fn plan(user: &User, room: &str, txn: &str, delay_ms: u32) -> String {
    let path = send_path(room, txn, &format!("org.matrix.msc4140.delay={delay_ms}"));
    let (status, answer) = user.put(&path, text(txn)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer.get("event_id"), None);
    answer["delay_id"].as_str().expect("an id").to_owned()
}

async fn bodies(user: &User, room: &str) -> Vec<String> {
    let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100", enc(room));
    let (status, page) = user.get(&path).await;
    assert_eq!(status, 200, "{page}");
    let events = page["chunk"].as_array().expect("events").iter();
    events
        .filter_map(|event| Some(event["content"]["body"].as_str()?.to_owned()))
        .collect()
}

async fn turn(server: &TestServer) -> usize {
    send_due(&server.core()).await.expect("the store works")
}

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_planned_event_is_sent_once_when_its_time_has_come_even_after_a_restart() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let id = plan(&alice, &room, "leave", 10_000).await;
        assert_eq!(
            plan(&alice, &room, "leave", 10_000).await,
            id,
            "the same request again"
        );
        server.clock().advance(Duration::from_millis(9_999));
        assert_eq!(turn(&server).await, 0);
        assert!(bodies(&alice, &room).await.is_empty());

        server.restart().await;
        server.clock().advance(Duration::from_millis(1));
        assert_eq!(turn(&server).await, 1);
        assert_eq!(turn(&server).await, 0);
        assert_eq!(bodies(&alice, &room).await, ["leave"]);
        let (status, found) = alice.get(&format!("{DELAYED}/{id}")).await;
        assert_eq!(status, 200, "{found}");
        assert!(
            found["event_id"].is_string() && found["finalised_ts"].is_number(),
            "{found}"
        );
        assert_eq!(found["content"], json!({}), "the room has the content");
    })
    .await;
}

#[tokio::test]
async fn whoever_knows_the_id_restarts_cancels_or_sends_and_says_so_again() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let act = async |id: &str, action: &str| {
            server
                .post(&format!("{DELAYED}/{id}/{action}"), None, json!({}))
                .await
        };
        let (first, second) = (
            plan(&alice, &room, "first", 1_000).await,
            plan(&alice, &room, "second", 1_000).await,
        );
        server.clock().advance(Duration::from_millis(900));
        assert_eq!(act(&first, "restart").await, (200, json!({})));
        server.clock().advance(Duration::from_millis(900));
        assert_eq!(turn(&server).await, 1, "the one that nobody restarted");
        assert_eq!(bodies(&alice, &room).await, ["second"]);

        let by_body = async |id: &str, action: &str| {
            alice
                .post(&format!("{DELAYED}/{id}"), json!({ "action": action }))
                .await
        };
        assert_eq!(by_body(&first, "cancel").await.0, 200);
        assert_eq!(act(&first, "cancel").await.0, 200);
        assert_eq!(errcode(&act(&first, "send").await), (409, "M_UNKNOWN"));
        assert_eq!(errcode(&by_body(&first, "restart").await), (409, "M_UNKNOWN"));
        assert_eq!(act(&second, "send").await.0, 200, "it was sent");
        assert_eq!(errcode(&act(&second, "cancel").await), (409, "M_UNKNOWN"));

        let third = plan(&alice, &room, "third", 60_000).await;
        assert_eq!(act(&third, "send").await.0, 200);
        assert_eq!(act(&third, "send").await.0, 200);
        assert_eq!(bodies(&alice, &room).await, ["third", "second"]);
        for action in ["send", "cancel", "restart"] {
            assert_eq!(errcode(&act("nosuch", action).await), (404, "M_NOT_FOUND"));
        }
        assert_eq!(errcode(&act(&third, "explode").await).0, 400);
        assert_eq!(errcode(&by_body(&third, "explode").await).0, 400);
    })
    .await;
}

#[tokio::test]
async fn people_see_their_own_planned_events_only() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({})).await;
        let id = plan(&alice, &room, "later", 5_000).await;
        let (status, list) = alice.get(DELAYED).await;
        assert_eq!(status, 200, "{list}");
        let event = &list["delayed_events"][0];
        assert_eq!(event["delay_id"], id);
        assert_eq!(event["content"], text("later"));
        assert_eq!(
            (&event["delay"], &event["type"]),
            (&json!(5_000), &json!("m.room.message"))
        );
        assert_eq!(event.get("event_id"), None);
        assert_eq!(bob.get(DELAYED).await, (200, json!({ "delayed_events": [] })));
        let others = bob.get(&format!("{DELAYED}/{id}")).await;
        assert_eq!(
            others,
            bob.get(&format!("{DELAYED}/nosuch")).await,
            "no difference"
        );
        assert_eq!(errcode(&others), (404, "M_NOT_FOUND"));
        assert_eq!(server.get(DELAYED, None).await.0, 401);
        let path = send_path(&room, "x", "org.matrix.msc4140.delay=5");
        let outsider = bob.put(&path, text("x")).await;
        assert_eq!(errcode(&outsider), (403, "M_FORBIDDEN"));
        let nowhere = send_path("!nowhere:test.example", "x", "org.matrix.msc4140.delay=5");
        assert_eq!(
            bob.put(&nowhere, text("x")).await,
            outsider,
            "as if there were no room"
        );
    })
    .await;
}

#[tokio::test]
async fn delays_and_their_number_have_an_end() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let long = alice
            .put(
                &send_path(&room, "long", "org.matrix.msc4140.delay=86400001"),
                text("x"),
            )
            .await;
        assert_eq!(long.0, 400);
        assert_eq!(long.1["org.matrix.msc4140.errcode"], "M_MAX_DELAY_EXCEEDED");
        assert_eq!(long.1["org.matrix.msc4140.max_delay"], 86_400_000);
        for wrong in ["0", "-5", "soon", ""] {
            let path = send_path(&room, "wrong", &format!("org.matrix.msc4140.delay={wrong}"));
            assert_eq!(alice.put(&path, text("x")).await.0, 400, "{wrong}");
        }
        for number in 0..100 {
            plan(&alice, &room, &format!("n{number}"), 60_000).await;
        }
        let path = send_path(&room, "more", "org.matrix.msc4140.delay=60000");
        assert_eq!(
            errcode(&alice.put(&path, text("x")).await),
            (429, "M_LIMIT_EXCEEDED")
        );
        server.clock().advance(Duration::from_millis(60_000));
        assert_eq!(turn(&server).await, 100);
        assert_eq!(alice.put(&path, text("x")).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn the_rules_of_the_moment_decide_and_a_refusal_is_told() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({ "invite": [bob.id] })).await;
        bob.join(&room).await;
        let id = plan(&bob, &room, "late", 1_000).await;
        bob.leave(&room).await;
        server.clock().advance(Duration::from_millis(1_000));
        let now = server
            .post(&format!("{DELAYED}/{id}/send"), None, json!({}))
            .await;
        assert_eq!(errcode(&now), (403, "M_FORBIDDEN"));
        assert_eq!(turn(&server).await, 1);
        assert_eq!(turn(&server).await, 0, "it isn't tried again");
        let (_, found) = bob.get(&format!("{DELAYED}/{id}")).await;
        assert_eq!(found["error"]["errcode"], "M_FORBIDDEN", "{found}");
        assert!(bodies(&alice, &room).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_encryption_policy_holds_for_planned_and_sticky_messages() {
    TestServer::with(|settings| settings.encryption = Encryption::Required)
        .each(async |server| {
            let alice = server.user("alice").await;
            let room = alice.create_room(json!({})).await;
            let id = plan(&alice, &room, "plain", 1_000).await;
            server.clock().advance(Duration::from_millis(1_000));
            turn(&server).await;
            let (_, found) = alice.get(&format!("{DELAYED}/{id}")).await;
            assert_eq!(found["error"]["errcode"], "M_FORBIDDEN", "{found}");
            let path = send_path(&room, "sticky", "org.matrix.msc4354.sticky_duration_ms=1000");
            assert_eq!(errcode(&alice.put(&path, text("x")).await), (403, "M_FORBIDDEN"));
            assert!(bodies(&alice, &room).await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn members_say_of_themselves_that_they_take_part_in_a_call_and_of_nobody_else() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({ "invite": [bob.id] })).await;
        bob.join(&room).await;
        for kind in [CALL_MEMBER, "m.call.member"] {
            for key in [format!("_{}_{}_m.call", bob.id, bob.device), bob.id.to_string()] {
                let joined = bob
                    .put(
                        &state_path(&room, kind, &key, ""),
                        json!({ "application": "m.call" }),
                    )
                    .await;
                assert_eq!(joined.0, 200, "{}", joined.1);
            }
            for key in [
                format!("_{}_X_m.call", alice.id),
                format!("_{}x", bob.id),
                String::new(),
            ] {
                let path = state_path(&room, kind, &key, "");
                assert_eq!(
                    errcode(&bob.put(&path, json!({ "a": 1 })).await),
                    (403, "M_FORBIDDEN")
                );
                assert_eq!(alice.put(&path, json!({ "a": 1 })).await.0, 200, "a moderator");
            }
        }
        let key = format!("_{}_{}_m.call", bob.id, bob.device);
        let path = state_path(&room, CALL_MEMBER, &key, "org.matrix.msc4140.delay=8000");
        let (status, planned) = bob.put(&path, json!({})).await;
        assert_eq!(status, 200, "{planned}");
        server.clock().advance(Duration::from_millis(8_000));
        assert_eq!(turn(&server).await, 1);
        let (_, left) = alice.get(&state_path(&room, CALL_MEMBER, &key, "")).await;
        assert_eq!(left, json!({}));
    })
    .await;
}

#[tokio::test]
async fn an_event_is_planned_by_its_own_endpoint_as_well() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let path = |kind: &str| {
            format!(
                "/_matrix/client/unstable/org.matrix.msc4140/rooms/{}/delayed_event/{kind}/t1",
                enc(&room)
            )
        };
        let body = json!({ "delay": 500, "state_key": "", "content": { "topic": "Feierabend" } });
        assert_eq!(alice.put(&path("m.room.topic"), body.clone()).await.0, 200);
        let body = json!({ "delay": 500, "content": text("later") });
        assert_eq!(alice.put(&path("m.room.message"), body).await.0, 200);
        server.clock().advance(Duration::from_millis(500));
        assert_eq!(turn(&server).await, 2);
        assert_eq!(bodies(&alice, &room).await, ["later"]);
        let (_, topic) = alice.get(&state_path(&room, "m.room.topic", "", "")).await;
        assert_eq!(topic["topic"], "Feierabend");
        assert_eq!(
            alice.put(&path("m.room.topic"), json!({ "content": {} })).await.0,
            400
        );
        let redaction = json!({ "delay": 500, "content": { "redacts": "$x" } });
        assert_eq!(alice.put(&path("m.room.redaction"), redaction).await.0, 400);
        assert_eq!(server.put(&path("m.room.message"), None, json!({})).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn sticky_events_reach_those_who_come_later_until_their_time_is_over() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let body = json!({ "invite": [bob.id], "initial_state": [
            { "type": "m.room.history_visibility", "content": { "history_visibility": "joined" } }
        ]});
        let room = alice.create_room(body).await;
        let path = send_path(&room, "here", "org.matrix.msc4354.sticky_duration_ms=60000");
        let (status, sent) = alice.put(&path, text("here")).await;
        assert_eq!(status, 200, "{sent}");
        let shown = alice.sync(None).await["rooms"]["join"][&room].clone();
        let last = shown["timeline"]["events"]
            .as_array()
            .expect("events")
            .last()
            .cloned();
        let last = last.expect("an event");
        assert_eq!(last["msc4354_sticky"]["duration_ms"], 60_000);
        assert_eq!(last["unsigned"]["msc4354_sticky_duration_ttl_ms"], 60_000);
        assert_eq!(shown.get("msc4354_sticky"), None, "it is in the timeline");

        server.clock().advance(Duration::from_millis(10_000));
        let before = bob.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        bob.join(&room).await;
        let sticky_for_bob = async |since: Option<&str>| {
            let answer = bob.sync(since).await;
            answer["rooms"]["join"][&room]["msc4354_sticky"]["events"].clone()
        };
        for since in [None, Some(before.as_str())] {
            let sticky = sticky_for_bob(since).await;
            assert_eq!(sticky[0]["event_id"], sent["event_id"]);
            assert_eq!(sticky[0]["unsigned"]["msc4354_sticky_duration_ttl_ms"], 50_000);
        }
        let since = bob.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        alice.send_text(&room, "more").await;
        assert_eq!(sticky_for_bob(Some(&since)).await, Value::Null, "it is told once");
        server.clock().advance(Duration::from_millis(50_000));
        assert_eq!(sticky_for_bob(None).await, Value::Null, "its time is over");
    })
    .await;
}

#[tokio::test]
async fn a_sticky_event_beyond_the_timeline_is_told_and_a_redacted_one_is_not() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let since = alice.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let path = send_path(&room, "here", "org.matrix.msc4354.sticky_duration_ms=60000");
        let (_, sent) = alice.put(&path, text("here")).await;
        for number in 0..12 {
            alice.send_text(&room, &number.to_string()).await;
        }
        let sticky = async || {
            let joined = alice.sync(Some(&since)).await["rooms"]["join"][&room].clone();
            joined["msc4354_sticky"]["events"].clone()
        };
        assert_eq!(sticky().await[0]["event_id"], sent["event_id"]);
        let event = sent["event_id"].as_str().expect("an id");
        let path = format!("/_matrix/client/v3/rooms/{}/redact/{}/r", enc(&room), enc(event));
        assert_eq!(alice.put(&path, json!({})).await.0, 200);
        assert_eq!(sticky().await, Value::Null);
        for wrong in ["3600001", "-1", "x"] {
            let query = format!("org.matrix.msc4354.sticky_duration_ms={wrong}");
            assert_eq!(
                alice.put(&send_path(&room, "w", &query), text("x")).await.0,
                400,
                "{wrong}"
            );
        }
    })
    .await;
}
