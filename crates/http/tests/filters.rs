//! What a filter lets through a sync, and what is kept from people who ignore somebody, over the client-server API on
//! both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

async fn filtered(user: &User, filter: Value, since: Option<&str>) -> Value {
    let since = since
        .map(|since| format!("&since={}", enc(since)))
        .unwrap_or_default();
    let path = format!(
        "/_matrix/client/v3/sync?timeout=0&filter={}{since}",
        enc(&filter.to_string())
    );
    let (status, answer) = user.get(&path).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn bodies(answer: &Value, room: &str) -> Vec<String> {
    let events = answer["rooms"]["join"][room]["timeline"]["events"].as_array();
    let bodies = events.into_iter().flatten();
    bodies
        .filter_map(|event| event["content"]["body"].as_str().map(str::to_owned))
        .collect()
}

fn kinds(events: &Value) -> Vec<String> {
    let events = events.as_array().into_iter().flatten();
    events
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}

fn own(user: &User, rest: &str) -> String {
    format!("/_matrix/client/v3/user/{}/{rest}", enc(user.id.as_str()))
}

#[tokio::test]
async fn the_timeline_is_filtered_by_type_sender_link_and_room() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "alice").await;
        bob.send_text(&room, "bob").await;
        let picture = json!({ "msgtype": "m.image", "body": "picture", "url": "mxc://test.example/a" });
        alice.send(&room, "m.room.message", picture).await;
        alice.send(&room, "m.sticker", json!({ "body": "sticker" })).await;
        for (timeline, expected) in [
            (json!({}), vec!["alice", "bob", "picture", "sticker"]),
            (
                json!({ "types": ["m.room.message"] }),
                vec!["alice", "bob", "picture"],
            ),
            (json!({ "types": ["m.st*"] }), vec!["sticker"]),
            (json!({ "types": [] }), vec![]),
            (json!({ "not_types": ["m.room.*"] }), vec!["sticker"]),
            (
                json!({ "types": ["m.sticker"], "not_types": ["m.sticker"] }),
                vec![],
            ),
            (json!({ "senders": [bob.id] }), vec!["bob"]),
            (json!({ "senders": [] }), vec![]),
            (
                json!({ "not_senders": [bob.id] }),
                vec!["alice", "picture", "sticker"],
            ),
            (json!({ "contains_url": true }), vec!["picture"]),
            (json!({ "contains_url": false }), vec!["alice", "bob", "sticker"]),
            (json!({ "rooms": ["!other:test.example"] }), vec![]),
            (
                json!({ "rooms": [room] }),
                vec!["alice", "bob", "picture", "sticker"],
            ),
            (json!({ "not_rooms": [room] }), vec![]),
            (json!({ "limit": 1 }), vec!["sticker"]),
        ] {
            let answer = filtered(&bob, json!({ "room": { "timeline": timeline } }), None).await;
            assert!(answer["rooms"]["join"][&room].is_object(), "{timeline}");
            assert_eq!(bodies(&answer, &room), expected, "{timeline}");
        }
        for (rooms, is_shown) in [
            (json!({ "rooms": ["!other:test.example"] }), false),
            (json!({ "rooms": [room], "not_rooms": [room] }), false),
            (json!({ "rooms": [room] }), true),
        ] {
            let answer = filtered(&bob, json!({ "room": rooms }), None).await;
            assert_eq!(answer["rooms"]["join"][&room].is_object(), is_shown, "{rooms}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_hides_much_still_fills_the_timeline() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let token = bob.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        for number in 0..6 {
            alice.send_text(&room, &format!("{number}")).await;
            alice.send(&room, "org.example.noise", json!({})).await;
        }
        let filter =
            |limit: u32| json!({ "room": { "timeline": { "types": ["m.room.message"], "limit": limit } } });
        let answer = filtered(&bob, filter(3), Some(&token)).await;
        assert_eq!(bodies(&answer, &room), ["3", "4", "5"]);
        let timeline = &answer["rooms"]["join"][&room]["timeline"];
        assert_eq!(timeline["limited"], true);
        let from = timeline["prev_batch"].as_str().expect("a token");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=20&from={}&to={}",
            enc(&room),
            enc(from),
            enc(&token)
        );
        let (_, page) = bob.get(&path).await;
        let page = page["chunk"].as_array().expect("events").iter();
        let older: Vec<&str> = page
            .filter_map(|event| event["content"]["body"].as_str())
            .collect();
        assert_eq!(older, ["2", "1", "0"]);

        let answer = filtered(&bob, filter(6), Some(&token)).await;
        assert_eq!(bodies(&answer, &room).len(), 6);
        assert_eq!(answer["rooms"]["join"][&room]["timeline"]["limited"], false);
    })
    .await;
}

#[tokio::test]
async fn state_receipts_and_account_data_are_filtered_apart() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let event = alice.send_text(&room, "text").await;
        let receipt = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&room),
            enc(&event)
        );
        assert_eq!(bob.post(&receipt, json!({})).await.0, 200);
        let tag = own(&bob, &format!("rooms/{}/tags/u.work", enc(&room)));
        assert_eq!(bob.put(&tag, json!({})).await.0, 200);
        let data = own(&bob, "account_data/org.example.mine");
        assert_eq!(bob.put(&data, json!({})).await.0, 200);

        let part = async |part: &str, filter: Value| {
            let filter = json!({ "room": { "timeline": { "limit": 1 }, part: filter } });
            let answer = filtered(&bob, filter, None).await;
            kinds(&answer["rooms"]["join"][&room][part]["events"])
        };
        let here = json!({ "rooms": [room] });
        let elsewhere = json!({ "not_rooms": [room] });
        assert_eq!(part("ephemeral", here.clone()).await, ["m.receipt"]);
        assert_eq!(part("account_data", here.clone()).await, ["m.tag"]);
        assert!(part("state", here).await.contains(&"m.room.create".to_owned()));
        for name in ["ephemeral", "account_data", "state"] {
            for filter in [
                elsewhere.clone(),
                json!({ "types": [] }),
                json!({ "not_types": ["*"] }),
            ] {
                assert!(part(name, filter.clone()).await.is_empty(), "{name} {filter}");
            }
        }
        let filter = json!({ "types": ["m.room.create"], "senders": [alice.id] });
        assert_eq!(part("state", filter).await, ["m.room.create"]);
        assert!(
            part("state", json!({ "not_senders": [alice.id, bob.id] }))
                .await
                .is_empty()
        );

        let answer = filtered(&bob, json!({ "account_data": { "types": ["org.*"] } }), None).await;
        assert_eq!(kinds(&answer["account_data"]["events"]), ["org.example.mine"]);
        let answer = filtered(&bob, json!({ "account_data": { "not_types": ["org.*"] } }), None).await;
        assert!(!kinds(&answer["account_data"]["events"]).contains(&"org.example.mine".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn threads_are_counted_apart_where_the_filter_asks() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let relates_to = json!({ "rel_type": "m.thread", "event_id": root });
        let mut last = String::new();
        for mentioned in [json!([]), json!([bob.id])] {
            let content = json!({
                "msgtype": "m.text", "body": "text", "m.relates_to": relates_to,
                "m.mentions": { "user_ids": mentioned },
            });
            last = alice.send(&room, "m.room.message", content).await;
        }
        let filter = json!({ "room": { "timeline": { "unread_thread_notifications": true } } });
        let joined = filtered(&bob, filter.clone(), None).await["rooms"]["join"][&room].clone();
        assert_eq!(
            joined["unread_notifications"],
            json!({ "notification_count": 1, "highlight_count": 0 })
        );
        assert_eq!(
            joined["unread_thread_notifications"],
            json!({ root.as_str(): { "notification_count": 2, "highlight_count": 1 } })
        );
        let joined = bob.sync(None).await["rooms"]["join"][&room].clone();
        assert_eq!(
            joined["unread_notifications"],
            json!({ "notification_count": 3, "highlight_count": 1 })
        );
        assert_eq!(joined["unread_thread_notifications"], Value::Null);

        // A receipt of the thread reads the thread alone, and is told with its thread.
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&room),
            enc(&last)
        );
        assert_eq!(bob.post(&path, json!({ "thread_id": root })).await.0, 200);
        let joined = filtered(&bob, filter.clone(), None).await["rooms"]["join"][&room].clone();
        assert_eq!(joined["unread_notifications"]["notification_count"], 1);
        assert_eq!(joined["unread_thread_notifications"], Value::Null);
        let told = &joined["ephemeral"]["events"][0]["content"][&last]["m.read"][bob.id.as_str()];
        assert_eq!(told["thread_id"], root);
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&room),
            enc(&root)
        );
        assert_eq!(bob.post(&path, json!({ "thread_id": "main" })).await.0, 200);
        let joined = filtered(&bob, filter, None).await["rooms"]["join"][&room].clone();
        assert_eq!(joined["unread_notifications"]["notification_count"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_list_of_ignored_people_counts_at_once_and_for_messages_only() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        bob.send_text(&room, "noise before").await;
        let list = |ignored: Value| json!({ "ignored_users": ignored });
        let path = own(&alice, "account_data/m.ignored_user_list");
        let ignored = list(json!({ bob.id.as_str(): {}, alice.id.as_str(): {} }));
        assert_eq!(alice.put(&path, ignored).await.0, 200);
        let token = alice.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        bob.send_text(&room, "noise").await;
        alice.send_text(&room, "mine").await;
        let profile = format!("/_matrix/client/v3/profile/{}/displayname", enc(bob.id.as_str()));
        assert_eq!(bob.put(&profile, json!({ "displayname": "Robert" })).await.0, 200);
        let hidden = bob.create_room(json!({ "invite": [alice.id] })).await;

        let answer = alice.sync(Some(&token)).await;
        assert_eq!(bodies(&answer, &room), ["mine"], "nobody ignores themselves");
        assert!(answer.to_string().contains("Robert"), "state is told");
        assert_eq!(answer["rooms"]["invite"][&hidden], Value::Null);
        assert!(!alice.sync(None).await.to_string().contains("noise"));
        let counts = &alice.sync(None).await["rooms"]["join"][&room]["unread_notifications"];
        assert_eq!(counts["notification_count"], 0);
        let (_, page) = alice
            .get(&format!(
                "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100",
                enc(&room)
            ))
            .await;
        assert!(!page.to_string().contains("noise"), "{page}");

        assert_eq!(alice.put(&path, list(json!({}))).await.0, 200);
        let answer = alice.sync(None).await;
        assert_eq!(bodies(&answer, &room), ["noise before", "noise", "mine"]);
        assert!(answer["rooms"]["invite"][&hidden].is_object());
    })
    .await;
}
