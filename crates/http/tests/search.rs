//! Finding messages by their words and by their time, and what one was notified about, over the client-server API on
//! both engines.

use std::time::Duration;

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn search_at(user: &User, query: &str, criteria: Value) -> Value {
    let path = format!("/_matrix/client/v3/search{query}");
    let body = json!({ "search_categories": { "room_events": criteria } });
    let (status, answer) = user.post(&path, body).await;
    assert_eq!(status, 200, "{answer}");
    answer["search_categories"]["room_events"].clone()
}

async fn search(user: &User, term: &str) -> Vec<String> {
    let found = search_at(user, "", json!({ "search_term": term, "order_by": "recent" })).await;
    ids(&found)
}

fn ids(found: &Value) -> Vec<String> {
    let results = found["results"].as_array().cloned().unwrap_or_default();
    results
        .iter()
        .map(|result| result["result"]["event_id"].as_str().expect("an id").to_owned())
        .collect()
}

async fn redact(user: &User, room: &str, event: &str) {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/redact/{}/of{}",
        enc(room),
        enc(event),
        enc(event)
    );
    assert_eq!(user.put(&path, json!({})).await.0, 200);
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

#[tokio::test]
async fn messages_names_and_topics_are_found_by_all_words() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let akte = alice
            .send_text(&room, "Die B\u{c4}REN-Akte liegt im Archiv")
            .await;
        let other = alice.send_text(&room, "Die Akte von gestern").await;
        let name = alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Akte Zoo" }))
            .await;
        let topic = alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "Zoo und Archiv" }))
            .await;
        for (term, expected) in [
            ("b\u{e4}ren akte", vec![&akte]),
            ("AKTE", vec![&name, &other, &akte]),
            ("archiv", vec![&topic, &akte]),
            ("akte archiv im die liegt b\u{e4}ren", vec![&akte]),
            ("akt", vec![]),
            ("niemand", vec![]),
            (" ,.", vec![]),
        ] {
            let expected: Vec<String> = expected.into_iter().cloned().collect();
            assert_eq!(search(&bob, term).await, expected, "{term}");
        }
        for (key, expected) in [
            ("content.body", vec![&other, &akte]),
            ("content.name", vec![&name]),
            ("content.topic", vec![]),
        ] {
            let criteria = json!({ "search_term": "akte", "keys": [key], "order_by": "recent" });
            let expected: Vec<String> = expected.into_iter().cloned().collect();
            assert_eq!(ids(&search_at(&bob, "", criteria).await), expected, "{key}");
        }
        // By default, the best first: where the word is the larger part.
        let found = search_at(&bob, "", json!({ "search_term": "akte" })).await;
        assert_eq!(ids(&found), [name, other, akte]);
        assert_eq!(found["count"], 3);
        assert_eq!(found["highlights"], json!(["akte"]));
    })
    .await;
}

#[tokio::test]
async fn only_what_one_may_see_is_found() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let eve = server.user("eve").await;
        let first = alice.send_text(&room, "geheim eins").await;
        bob.leave(&room).await;
        let second = alice.send_text(&room, "geheim zwei").await;
        assert_eq!(search(&bob, "geheim").await, std::slice::from_ref(&first));
        assert!(search(&eve, "geheim").await.is_empty());

        redact(&alice, &room, &second).await;
        assert_eq!(search(&alice, "geheim").await, [first]);

        let encrypted = alice.create_room(json!({})).await;
        alice.send_text(&encrypted, "geheim drei").await;
        let content = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
        alice
            .set_state(&encrypted, "m.room.encryption", "", content)
            .await;
        assert_eq!(search(&alice, "geheim").await.len(), 1);

        let path = "/_matrix/client/v3/search";
        let body = json!({ "search_categories": {} });
        assert_eq!(
            refusal(server.post(path, None, body.clone()).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
        assert_eq!(alice.post(path, body).await.0, 200);
        let body = json!({ "search_categories": { "room_events": { "search_term": 7 } } });
        assert_eq!(
            refusal(alice.post(path, body).await),
            (400, "M_BAD_JSON".to_owned())
        );
        let body = json!({ "search_categories": { "room_events": { "search_term": "x" } } });
        assert_eq!(
            refusal(alice.post("/_matrix/client/v3/search?next_batch=x", body).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_search_goes_on_filters_and_groups() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let second = alice.create_room(json!({ "invite": [bob.id] })).await;
        bob.join(&second).await;
        let mut sent = Vec::new();
        for number in 0..7 {
            let (user, place) = if number % 2 == 0 {
                (&alice, &room)
            } else {
                (&bob, &second)
            };
            sent.push(user.send_text(place, &format!("wort {number}")).await);
        }
        sent.reverse();
        for order in ["recent", "rank"] {
            let criteria = json!({ "search_term": "wort", "order_by": order, "filter": { "limit": 3 } });
            let (mut got, mut query) = (Vec::new(), String::new());
            loop {
                let found = search_at(&alice, &query, criteria.clone()).await;
                assert_eq!(found["count"], 7);
                got.extend(ids(&found));
                match found["next_batch"].as_str() {
                    Some(token) => query = format!("?next_batch={}", enc(token)),
                    None => break,
                }
            }
            assert_eq!(got, sent, "{order}");
        }
        for (filter, count) in [
            (json!({ "rooms": [room] }), 4),
            (json!({ "not_rooms": [room] }), 3),
            (json!({ "senders": [bob.id] }), 3),
            (json!({ "not_senders": [bob.id] }), 4),
            (json!({ "types": ["m.room.name"] }), 0),
        ] {
            let criteria = json!({ "search_term": "wort", "filter": filter });
            assert_eq!(ids(&search_at(&bob, "", criteria).await).len(), count, "{filter}");
        }
        let criteria = json!({
            "search_term": "wort", "order_by": "recent", "include_state": true,
            "groupings": { "group_by": [{ "key": "room_id" }, { "key": "sender" }] },
        });
        let found = search_at(&bob, "", criteria).await;
        let groups = &found["groups"];
        assert_eq!(
            groups["room_id"][&room]["results"].as_array().map(Vec::len),
            Some(4)
        );
        assert_eq!(groups["room_id"][&second]["order"], 1);
        assert_eq!(
            groups["sender"][bob.id.as_str()]["results"]
                .as_array()
                .map(Vec::len),
            Some(3)
        );
        assert!(found["state"][&room].to_string().contains("m.room.create"));
    })
    .await;
}

#[tokio::test]
async fn what_stands_around_a_result_comes_with_it_when_asked_for() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let before = alice.send_text(&room, "davor").await;
        let hit = bob.send_text(&room, "Treffer").await;
        let after = alice.send_text(&room, "danach").await;
        let found = search_at(&alice, "", json!({ "search_term": "treffer" })).await;
        assert_eq!(found["results"][0]["context"], Value::Null);
        let criteria = json!({
            "search_term": "treffer",
            "event_context": { "before_limit": 1, "after_limit": 3, "include_profile": true },
        });
        let found = search_at(&alice, "", criteria).await;
        assert_eq!(found["results"][0]["result"]["event_id"], hit);
        let context = &found["results"][0]["context"];
        assert_eq!(context["events_before"][0]["event_id"], before);
        assert_eq!(context["events_before"].as_array().map(Vec::len), Some(1));
        assert_eq!(context["events_after"][0]["event_id"], after);
        assert_eq!(context["profile_info"][bob.id.as_str()]["displayname"], "bob");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=1&from={}",
            enc(&room),
            enc(context["start"].as_str().expect("a token"))
        );
        let (_, page) = alice.get(&path).await;
        assert_eq!(
            page["chunk"][0]["type"], "m.room.member",
            "what is before the first"
        );
    })
    .await;
}

#[tokio::test]
async fn the_event_of_a_moment_is_found_in_both_directions() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let mut sent = Vec::new();
        for number in 0..3 {
            server.clock().advance(Duration::from_secs(10));
            let event = alice.send_text(&room, &format!("{number}")).await;
            sent.push((event, server.core().now_ts()));
        }
        bob.leave(&room).await;
        server.clock().advance(Duration::from_secs(10));
        let hidden = alice.send_text(&room, "hidden").await;
        let path = |ts: i64, direction: &str| {
            format!(
                "/_matrix/client/v1/rooms/{}/timestamp_to_event?ts={ts}&dir={direction}",
                enc(&room)
            )
        };
        for (ts, direction, expected) in [
            (sent[1].1, "f", &sent[1]),
            (sent[1].1, "b", &sent[1]),
            (sent[1].1 + 1, "f", &sent[2]),
            (sent[1].1 - 1, "b", &sent[0]),
        ] {
            let (status, answer) = bob.get(&path(ts, direction)).await;
            let expected = json!({ "event_id": expected.0, "origin_server_ts": expected.1 });
            assert_eq!((status, answer), (200, expected), "{ts} {direction}");
        }
        let later = sent[2].1 + 1;
        assert_eq!(alice.get(&path(later, "f")).await.1["event_id"], hidden);
        assert_eq!(
            refusal(bob.get(&path(later, "f")).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        assert_eq!(
            refusal(alice.get(&path(1, "b")).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let eve = server.user("eve").await;
        assert_eq!(
            refusal(eve.get(&path(later, "f")).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        assert_eq!(refusal(server.get(&path(later, "f"), None).await).0, 401);
        assert_eq!(alice.get(&path(later, "x")).await.0, 400);
        assert_eq!(alice.get(&path(0, "f").replace("ts=0", "ts=x")).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn notifications_are_listed_newest_first() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let second = alice.create_room(json!({ "invite": [bob.id] })).await;
        let mut sent: Vec<Value> = Vec::new();
        bob.join(&second).await;
        for number in 0..12 {
            let place = if number % 3 == 0 { &second } else { &room };
            let mentioned = if number == 4 { json!([bob.id]) } else { json!([]) };
            let content =
                json!({ "msgtype": "m.text", "body": "-", "m.mentions": { "user_ids": mentioned } });
            sent.push(json!(alice.send(place, "m.room.message", content).await));
            for _ in 0..4 {
                alice
                    .send(
                        place,
                        "m.room.message",
                        json!({ "msgtype": "m.notice", "body": "-" }),
                    )
                    .await;
            }
        }
        bob.send_text(&room, "mine").await;
        sent.reverse();
        let list = async |user: &User, rest: &str| {
            let (status, answer) = user.get(&format!("/_matrix/client/v3/notifications{rest}")).await;
            assert_eq!(status, 200, "{answer}");
            answer
        };
        let (mut got, mut rest) = (Vec::new(), "?limit=5".to_owned());
        loop {
            let answer = list(&bob, &rest).await;
            let notifications = answer["notifications"].as_array().expect("a list");
            assert!(notifications.len() <= 5);
            got.extend(notifications.iter().map(|one| one["event"]["event_id"].clone()));
            match answer["next_token"].as_str() {
                Some(token) => rest = format!("?limit=5&from={}", enc(token)),
                None => break,
            }
        }
        assert_eq!(got, sent);
        let answer = list(&bob, "?only=highlight&limit=100").await;
        let notifications = answer["notifications"].as_array().expect("a list");
        assert_eq!(notifications.len(), 1, "{answer}");
        let one = &notifications[0];
        assert_eq!((&one["room_id"], &one["read"]), (&json!(room), &json!(false)));
        assert!(one["actions"].to_string().contains("highlight") && one["ts"].is_i64());
        assert_eq!(one["event"]["room_id"], Value::Null);

        let event = one["event"]["event_id"].as_str().expect("an id");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&room),
            enc(event)
        );
        assert_eq!(bob.post(&path, json!({})).await.0, 200);
        let answer = list(&bob, "?only=highlight&limit=100").await;
        assert_eq!(answer["notifications"][0]["read"], true);
        assert_eq!(
            list(&alice, "").await["notifications"].as_array().map(Vec::len),
            Some(1)
        );
        let path = "/_matrix/client/v3/notifications";
        assert_eq!(refusal(server.get(path, None).await).0, 401);
        assert_eq!(
            refusal(bob.get("/_matrix/client/v3/notifications?from=x").await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}
