//! What people keep for themselves, over the client-server API on both engines.

use std::time::Duration;

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

fn own(user: &User, rest: &str) -> String {
    format!("/_matrix/client/v3/user/{}/{rest}", enc(user.id.as_str()))
}

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

fn find<'a>(events: &'a Value, kind: &str) -> Option<&'a Value> {
    events.as_array()?.iter().find(|event| event["type"] == kind)
}

async fn next_batch(user: &User) -> String {
    user.sync(None).await["next_batch"]
        .as_str()
        .expect("a token")
        .to_owned()
}

#[tokio::test]
async fn account_data_is_kept_and_told_to_other_devices() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let since = next_batch(&alice).await;
        let path = own(&alice, "account_data/m.direct");
        assert_eq!(refusal(alice.get(&path).await), (404, "M_NOT_FOUND".to_owned()));
        let content = json!({ "@bob:test.example": ["!a:test.example"], "weight": 0.5 });
        for _ in 0..2 {
            assert_eq!(alice.put(&path, content.clone()).await, (200, json!({})));
        }
        assert_eq!(alice.get(&path).await, (200, content.clone()));
        let sync = alice.sync(Some(&since)).await;
        let event = find(&sync["account_data"]["events"], "m.direct").expect("it is told");
        assert_eq!(event["content"], content);
    })
    .await;
}

#[tokio::test]
async fn account_data_of_others_can_not_be_read_or_written() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        for path in [
            own(&alice, "account_data/m.direct"),
            own(&alice, &format!("rooms/{}/account_data/m.mine", enc(&room))),
            own(&alice, &format!("rooms/{}/tags/u.mine", enc(&room))),
        ] {
            assert_eq!(
                refusal(bob.put(&path, json!({})).await),
                (403, "M_FORBIDDEN".to_owned()),
                "{path}"
            );
        }
        let path = own(&alice, "account_data/m.direct");
        assert_eq!(refusal(bob.get(&path).await), (403, "M_FORBIDDEN".to_owned()));
        assert_eq!(
            refusal(server.get(&path, None).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn account_data_that_the_server_writes_can_not_be_set() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let rules = own(&alice, "account_data/m.push_rules");
        assert_eq!(
            refusal(alice.put(&rules, json!({})).await),
            (405, "M_BAD_JSON".to_owned())
        );
        let read = own(&alice, &format!("rooms/{}/account_data/m.fully_read", enc(&room)));
        assert_eq!(
            refusal(alice.put(&read, json!({})).await),
            (405, "M_BAD_JSON".to_owned())
        );
        let (status, rules) = alice.get(&rules).await;
        assert_eq!(status, 200);
        assert!(rules["global"]["override"].is_array(), "{rules}");
    })
    .await;
}

#[tokio::test]
async fn account_data_must_be_an_object_of_reasonable_size() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let path = own(&alice, "account_data/org.example.notes");
        for body in [json!([]), json!("text"), json!(null), json!(7)] {
            assert_eq!(
                refusal(alice.put(&path, body).await),
                (400, "M_BAD_JSON".to_owned())
            );
        }
        let nul = json!({ "text": "a\u{0}b" });
        assert_eq!(
            refusal(alice.put(&path, nul).await),
            (400, "M_BAD_JSON".to_owned())
        );
        let large = json!({ "text": "x".repeat(70_000) });
        assert_eq!(
            refusal(alice.put(&path, large.clone()).await),
            (413, "M_TOO_LARGE".to_owned())
        );
        assert_eq!(
            alice.put(&own(&alice, "account_data/m.direct"), large).await.0,
            200
        );
        assert_eq!(alice.get(&path).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn room_account_data_needs_a_room_that_one_knows() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let path = |user: &User, room: &str| own(user, &format!("rooms/{}/account_data/m.mine", enc(room)));
        let there = carol.put(&path(&carol, &room), json!({})).await;
        let nowhere = carol.put(&path(&carol, "!nowhere:test.example"), json!({})).await;
        assert_eq!(there, nowhere);
        assert_eq!(refusal(there), (403, "M_FORBIDDEN".to_owned()));
        assert_eq!(alice.put(&path(&alice, &room), json!({ "a": 1 })).await.0, 200);
        assert_eq!(alice.get(&path(&alice, &room)).await, (200, json!({ "a": 1 })));
        let sync = alice.sync(None).await;
        let events = &sync["rooms"]["join"][&room]["account_data"]["events"];
        assert_eq!(
            find(events, "m.mine").expect("it is told")["content"],
            json!({ "a": 1 })
        );
    })
    .await;
}

#[tokio::test]
async fn tags_come_and_go() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let tags = own(&alice, &format!("rooms/{}/tags", enc(&room)));
        assert_eq!(alice.get(&tags).await, (200, json!({ "tags": {} })));
        let path = format!("{tags}/m.favourite");
        assert_eq!(alice.put(&path, json!({ "order": 0.25 })).await.0, 200);
        assert_eq!(alice.put(&format!("{tags}/u.work"), json!({})).await.0, 200);
        let both = json!({ "tags": { "m.favourite": { "order": 0.25 }, "u.work": {} } });
        assert_eq!(alice.get(&tags).await, (200, both.clone()));
        let sync = alice.sync(None).await;
        let events = &sync["rooms"]["join"][&room]["account_data"]["events"];
        assert_eq!(find(events, "m.tag").expect("it is told")["content"], both);
        for _ in 0..2 {
            assert_eq!(alice.delete(&path).await.0, 200);
        }
        assert_eq!(alice.get(&tags).await, (200, json!({ "tags": { "u.work": {} } })));
        assert_eq!(
            refusal(alice.put(&path, json!({ "order": "first" })).await).0,
            400
        );
        let long = format!("{tags}/{}", "x".repeat(256));
        assert_eq!(
            refusal(alice.put(&long, json!({})).await),
            (413, "M_TOO_LARGE".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn changes_at_the_same_moment_are_all_kept() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..20 {
            let (server, token) = (server.clone(), alice.token.clone());
            let tag = own(&alice, &format!("rooms/{}/tags/u.tag{number}", enc(&room)));
            let rule = format!("/_matrix/client/v3/pushrules/global/content/rule{number}");
            tasks.spawn(async move {
                let rule_body = json!({ "pattern": "Akte", "actions": ["notify"] });
                let tagged = server.put(&tag, Some(&token), json!({ "order": 0.5 })).await;
                let ruled = server.put(&rule, Some(&token), rule_body).await;
                (tagged.0, ruled.0)
            });
        }
        assert_eq!(tasks.join_all().await, vec![(200, 200); 20]);
        let (_, tags) = alice
            .get(&own(&alice, &format!("rooms/{}/tags", enc(&room))))
            .await;
        assert_eq!(tags["tags"].as_object().expect("tags").len(), 20, "{tags}");
        let (_, rules) = alice.get("/_matrix/client/v3/pushrules/").await;
        let rules = rules["global"]["content"].as_array().expect("rules");
        let own = rules.iter().filter(|rule| rule["default"] == false).count();
        assert_eq!(own, 20, "{rules:?}");
    })
    .await;
}

#[tokio::test]
async fn the_same_filter_has_the_same_id() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let filter = json!({ "room": { "timeline": { "limit": 10 } } });
        let (status, first) = alice.post(&own(&alice, "filter"), filter.clone()).await;
        assert_eq!(status, 200, "{first}");
        let (_, second) = alice.post(&own(&alice, "filter"), filter.clone()).await;
        assert_eq!(first, second);
        let id = first["filter_id"].as_str().expect("an id");
        assert!(!id.starts_with('{'));
        assert_eq!(
            alice.get(&own(&alice, &format!("filter/{id}"))).await,
            (200, filter)
        );
        assert_eq!(
            refusal(bob.get(&own(&bob, &format!("filter/{id}"))).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        assert_eq!(
            refusal(bob.get(&own(&alice, &format!("filter/{id}"))).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        let bad = json!({ "room": "all" });
        assert_eq!(
            refusal(alice.post(&own(&alice, "filter"), bad).await),
            (400, "M_BAD_JSON".to_owned())
        );
        let large = json!({ "room": { "rooms": vec!["!room:test.example"; 5000] } });
        assert_eq!(
            refusal(alice.post(&own(&alice, "filter"), large).await),
            (413, "M_TOO_LARGE".to_owned())
        );
    })
    .await;
}

async fn receipt(user: &User, room: &str, kind: &str, event: &str) -> (u16, Value) {
    user.post(
        &room_path(room, &format!("receipt/{kind}/{}", enc(event))),
        json!({}),
    )
    .await
}

fn receipts_in(sync: &Value, room: &str) -> Value {
    let events = &sync["rooms"]["join"][room]["ephemeral"]["events"];
    find(events, "m.receipt").map_or(Value::Null, |event| event["content"].clone())
}

#[tokio::test]
async fn a_receipt_is_told_and_never_goes_back() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = alice.send_text(&room, "one").await;
        let second = alice.send_text(&room, "two").await;
        let since = next_batch(&alice).await;
        assert_eq!(receipt(&bob, &room, "m.read", &second).await, (200, json!({})));
        let sync = alice.sync(Some(&since)).await;
        let told = receipts_in(&sync, &room);
        assert!(told[&second]["m.read"][bob.id.as_str()]["ts"].is_i64(), "{sync}");

        let since = sync["next_batch"].as_str().expect("a token");
        for event in [&first, &second] {
            assert_eq!(receipt(&bob, &room, "m.read", event).await.0, 200);
        }
        let sync = alice.sync(Some(since)).await;
        assert_eq!(receipts_in(&sync, &room), Value::Null, "nothing moved: {sync}");
        assert_eq!(sync["next_batch"], *since, "nothing was written");
    })
    .await;
}

#[tokio::test]
async fn a_private_receipt_is_told_to_its_user_only() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let event = alice.send_text(&room, "one").await;
        let (for_alice, for_bob) = (next_batch(&alice).await, next_batch(&bob).await);
        assert_eq!(receipt(&bob, &room, "m.read.private", &event).await.0, 200);
        let sync = bob.sync(Some(&for_bob)).await;
        assert!(
            receipts_in(&sync, &room)[&event]["m.read.private"][bob.id.as_str()].is_object(),
            "{sync}"
        );
        let sync = alice.sync(Some(&for_alice)).await;
        assert_eq!(receipts_in(&sync, &room), Value::Null);
        assert_eq!(receipts_in(&alice.sync(None).await, &room), Value::Null);
    })
    .await;
}

#[tokio::test]
async fn receipts_are_for_events_of_rooms_that_one_is_in() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let event = alice.send_text(&room, "one").await;
        let elsewhere = bob.create_room(json!({})).await;
        let other = bob.send_text(&elsewhere, "other").await;
        assert_eq!(
            refusal(receipt(&carol, &room, "m.read", &event).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        let unknown = receipt(&bob, &room, "m.read", "$unknown").await;
        assert_eq!(unknown, receipt(&bob, &room, "m.read", &other).await);
        assert_eq!(refusal(unknown), (404, "M_NOT_FOUND".to_owned()));
        assert_eq!(
            refusal(receipt(&bob, &room, "m.seen", &event).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
        let path = room_path(&room, &format!("receipt/m.read/{}", enc(&event)));
        assert_eq!(
            refusal(server.post(&path, None, json!({})).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_threaded_receipt_needs_an_event_of_the_thread() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let relates = json!({ "rel_type": "m.thread", "event_id": root });
        let answer = json!({ "msgtype": "m.text", "body": "answer", "m.relates_to": relates });
        let answer = alice.send(&room, "m.room.message", answer).await;
        let read = async |event: &str, thread: Value| {
            let path = room_path(&room, &format!("receipt/m.read/{}", enc(event)));
            refusal(bob.post(&path, json!({ "thread_id": thread })).await)
        };
        assert_eq!(read(&answer, json!(root)).await.0, 200);
        assert_eq!(read(&root, json!("main")).await.0, 200);
        for (event, thread) in [
            (&answer, json!("main")),
            (&root, json!("$another")),
            (&answer, json!("")),
            (&answer, json!("thread")),
        ] {
            let told = read(event, thread.clone()).await;
            assert_eq!(told, (400, "M_INVALID_PARAM".to_owned()), "{thread}");
        }
        let path = room_path(&room, &format!("receipt/m.fully_read/{}", enc(&root)));
        let told = refusal(bob.post(&path, json!({ "thread_id": "main" })).await);
        assert_eq!(told, (400, "M_INVALID_PARAM".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn read_markers_move_together_or_not_at_all() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = alice.send_text(&room, "one").await;
        let second = alice.send_text(&room, "two").await;
        let since = next_batch(&bob).await;
        let path = room_path(&room, "read_markers");
        let half = json!({ "m.fully_read": second, "m.read": "$unknown" });
        assert_eq!(
            refusal(bob.post(&path, half).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let data = own(&bob, &format!("rooms/{}/account_data/m.fully_read", enc(&room)));
        assert_eq!(bob.get(&data).await.0, 404);

        let both = json!({ "m.fully_read": second, "m.read": second, "m.read.private": second });
        assert_eq!(bob.post(&path, both).await, (200, json!({})));
        assert_eq!(bob.get(&data).await, (200, json!({ "event_id": second })));
        let sync = bob.sync(Some(&since)).await;
        assert!(
            receipts_in(&sync, &room)[&second]["m.read"][bob.id.as_str()].is_object(),
            "{sync}"
        );
        let events = &sync["rooms"]["join"][&room]["account_data"]["events"];
        assert_eq!(
            find(events, "m.fully_read").expect("it is told")["content"]["event_id"],
            json!(second)
        );

        assert_eq!(bob.post(&path, json!({ "m.fully_read": first })).await.0, 200);
        assert_eq!(bob.get(&data).await, (200, json!({ "event_id": second })));
        assert_eq!(bob.post(&path, json!({})).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn unread_counts_follow_messages_receipts_and_answers() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let counts = async |since: Option<&str>| {
            let sync = bob.sync(since).await;
            sync["rooms"]["join"][&room]["unread_notifications"].clone()
        };
        let first = alice.send_text(&room, "one").await;
        alice.send_text(&room, "two").await;
        let mention = json!({ "msgtype": "m.text", "body": "bob?", "m.mentions": { "user_ids": [bob.id] } });
        let third = alice.send(&room, "m.room.message", mention).await;
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 3, "highlight_count": 1 })
        );
        receipt(&bob, &room, "m.read", &first).await;
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 2, "highlight_count": 1 })
        );
        alice.send_text(&room, "four").await;
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 3, "highlight_count": 1 })
        );
        let path = room_path(&room, &format!("redact/{}/txn", enc(&third)));
        assert_eq!(alice.put(&path, json!({})).await.0, 200);
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 2, "highlight_count": 0 })
        );
        server.restart().await;
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 2, "highlight_count": 0 })
        );
        bob.send_text(&room, "read it").await;
        assert_eq!(
            counts(None).await,
            json!({ "notification_count": 0, "highlight_count": 0 })
        );
    })
    .await;
}

#[tokio::test]
async fn counts_nothing_where_the_rules_say_nothing() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "one").await;
        let count = async || {
            let sync = bob.sync(None).await;
            sync["rooms"]["join"][&room]["unread_notifications"]["notification_count"].clone()
        };
        assert_eq!(count().await, 1);
        let mute = format!("/_matrix/client/v3/pushrules/global/room/{}", enc(&room));
        assert_eq!(bob.put(&mute, json!({ "actions": [] })).await.0, 200);
        assert_eq!(count().await, 0);
        assert_eq!(bob.delete(&mute).await.0, 200);
        let ignored = json!({ "ignored_users": { alice.id.as_str(): {} } });
        assert_eq!(
            bob.put(&own(&bob, "account_data/m.ignored_user_list"), ignored)
                .await
                .0,
            200
        );
        assert_eq!(count().await, 0);
    })
    .await;
}

fn typing_in(sync: &Value, room: &str) -> Value {
    let events = &sync["rooms"]["join"][room]["ephemeral"]["events"];
    find(events, "m.typing").map_or(Value::Null, |event| event["content"]["user_ids"].clone())
}

#[tokio::test]
async fn typing_begins_ends_and_runs_out() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let path = room_path(&room, &format!("typing/{}", enc(bob.id.as_str())));
        let since = next_batch(&alice).await;
        let types = json!({ "typing": true, "timeout": 30_000 });
        assert_eq!(bob.put(&path, types.clone()).await, (200, json!({})));
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(typing_in(&sync, &room), json!([bob.id]));

        let since = sync["next_batch"].as_str().expect("a token").to_owned();
        server.clock().advance(Duration::from_secs(20));
        assert_eq!(bob.put(&path, types.clone()).await.0, 200);
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(sync["next_batch"], json!(since), "going on is told to nobody");
        server.clock().advance(Duration::from_secs(20));
        assert_eq!(
            rohrpost_core::personal::typing::expire(&server.core())
                .await
                .expect("it runs"),
            0
        );

        assert_eq!(bob.put(&path, json!({ "typing": false })).await.0, 200);
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(typing_in(&sync, &room), json!([]));

        assert_eq!(bob.put(&path, types).await.0, 200);
        let since = next_batch(&alice).await;
        server.clock().advance(Duration::from_secs(31));
        assert_eq!(
            rohrpost_core::personal::typing::expire(&server.core())
                .await
                .expect("it runs"),
            1
        );
        assert_eq!(
            rohrpost_core::personal::typing::expire(&server.core())
                .await
                .expect("it runs"),
            0
        );
        let sync = alice.sync(Some(&since)).await;
        assert_eq!(typing_in(&sync, &room), json!([]));
    })
    .await;
}

#[tokio::test]
async fn nobody_types_for_others_or_in_rooms_of_others() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let body = json!({ "typing": true, "timeout": 1000 });
        let path = |user: &User, room: &str| room_path(room, &format!("typing/{}", enc(user.id.as_str())));
        assert_eq!(
            refusal(bob.put(&path(&alice, &room), body.clone()).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        let there = carol.put(&path(&carol, &room), body.clone()).await;
        assert_eq!(
            there,
            carol.put(&path(&carol, "!nowhere:test.example"), body).await
        );
        assert_eq!(refusal(there), (403, "M_FORBIDDEN".to_owned()));
        assert_eq!(
            refusal(bob.put(&path(&bob, &room), json!({ "typing": 1 })).await),
            (400, "M_BAD_JSON".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn presence_is_off_and_asked_about_known_people_only() {
    TestServer::each(async |server| {
        let (alice, bob, _) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let path = |id: &str| format!("/_matrix/client/v3/presence/{}/status", enc(id));
        assert_eq!(
            alice
                .put(&path(alice.id.as_str()), json!({ "presence": "online" }))
                .await,
            (200, json!({}))
        );
        assert_eq!(
            refusal(
                alice
                    .put(&path(bob.id.as_str()), json!({ "presence": "online" }))
                    .await
            )
            .0,
            403
        );
        assert_eq!(
            alice.get(&path(bob.id.as_str())).await,
            (200, json!({ "presence": "offline" }))
        );
        let stranger = carol.get(&path(bob.id.as_str())).await;
        assert_eq!(stranger, carol.get(&path("@nobody:test.example")).await);
        assert_eq!(refusal(stranger), (403, "M_FORBIDDEN".to_owned()));
    })
    .await;
}
