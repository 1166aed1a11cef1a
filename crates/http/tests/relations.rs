//! Relations, threads and what is told of them with an event, over the client-server API on both engines.

use std::time::Duration;

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

fn relations(room: &str, event: &str, rest: &str) -> String {
    format!(
        "/_matrix/client/v1/rooms/{}/relations/{}{rest}",
        enc(room),
        enc(event)
    )
}

fn threads(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v1/rooms/{}/threads{rest}", enc(room))
}

fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn good(user: &User, path: &str) -> Value {
    let (status, answer) = user.get(path).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn ids(chunk: &Value) -> Vec<String> {
    let events = chunk.as_array().expect("a list").iter();
    events
        .map(|event| event["event_id"].as_str().expect("an id").to_owned())
        .collect()
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

async fn reply(user: &User, room: &str, root: &str, body: &str) -> String {
    let content = json!({
        "msgtype": "m.text",
        "body": body,
        "m.relates_to": { "rel_type": "m.thread", "event_id": root },
    });
    user.send(room, "m.room.message", content).await
}

async fn edit(user: &User, room: &str, event: &str, body: &str) -> String {
    let content = json!({
        "msgtype": "m.text",
        "body": format!("* {body}"),
        "m.new_content": { "msgtype": "m.text", "body": body },
        "m.relates_to": { "rel_type": "m.replace", "event_id": event },
    });
    user.send(room, "m.room.message", content).await
}

fn reaction(event: &str) -> Value {
    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "\u{1f44d}" } })
}

async fn redact(user: &User, room: &str, event: &str) {
    let path = path(room, &format!("redact/{}/of{}", enc(event), enc(event)));
    let (status, answer) = user.put(&path, json!({})).await;
    assert_eq!(status, 200, "{answer}");
}

async fn ignore(user: &User, other: &User) {
    let path = format!(
        "/_matrix/client/v3/user/{}/account_data/m.ignored_user_list",
        enc(user.id.as_str())
    );
    let list = json!({ "ignored_users": { other.id.as_str(): {} } });
    assert_eq!(user.put(&path, list).await.0, 200);
}

/// What is told of relations with an event, at `GET .../event/...`.
async fn bundle(user: &User, room: &str, event: &str) -> Value {
    let event = good(user, &path(room, &format!("event/{}", enc(event)))).await;
    event["unsigned"]["m.relations"].clone()
}

#[tokio::test]
async fn relations_are_listed_by_way_type_and_direction() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let first = reply(&bob, &room, &root, "one").await;
        let liked = alice.send(&room, "m.reaction", reaction(&root)).await;
        let second = reply(&alice, &room, &root, "two").await;
        let indirect = bob.send(&room, "m.reaction", reaction(&first)).await;
        let encrypted = bob
            .send(
                &room,
                "m.room.encrypted",
                json!({
                    "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AAAA", "session_id": "s", "device_id": "D",
                    "sender_key": "k", "m.relates_to": { "rel_type": "m.thread", "event_id": root },
                }),
            )
            .await;
        for (rest, expected) in [
            ("", vec![&encrypted, &second, &liked, &first]),
            ("?dir=f", vec![&first, &liked, &second, &encrypted]),
            ("/m.thread", vec![&encrypted, &second, &first]),
            ("/m.thread/m.room.message", vec![&second, &first]),
            ("/m.annotation/m.reaction", vec![&liked]),
            ("/m.annotation/m.room.message", vec![]),
            ("/org.example.none", vec![]),
            ("?recurse=true", vec![&encrypted, &indirect, &second, &liked, &first]),
            ("/m.annotation?recurse=true", vec![&liked]),
        ] {
            let answer = good(&bob, &relations(&room, &root, rest)).await;
            let expected: Vec<String> = expected.into_iter().cloned().collect();
            assert_eq!(ids(&answer["chunk"]), expected, "{rest}");
            let depth = if rest.contains("recurse") { json!(3) } else { Value::Null };
            assert_eq!(answer["recursion_depth"], depth, "{rest}");
            assert_eq!(answer["next_batch"], Value::Null, "{rest}");
        }
        redact(&bob, &room, &first).await;
        let answer = good(&bob, &relations(&room, &root, "?recurse=true")).await;
        assert_eq!(ids(&answer["chunk"]), [encrypted, second, liked]);
    })
    .await;
}

#[tokio::test]
async fn pages_of_relations_tell_each_event_once() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let mut sent = Vec::new();
        for number in 0..7 {
            sent.push(reply(&bob, &room, &root, &format!("{number}")).await);
            alice.send_text(&room, "between").await;
        }
        for direction in ["b", "f"] {
            let (mut got, mut from, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let rest = format!("?limit=3&dir={direction}{from}");
                let answer = good(&alice, &relations(&room, &root, &rest)).await;
                assert_eq!(answer["prev_batch"].is_null(), pages == 0);
                got.extend(ids(&answer["chunk"]));
                pages += 1;
                match answer["next_batch"].as_str() {
                    Some(token) => from = format!("&from={}", enc(token)),
                    None => break,
                }
            }
            if direction == "b" {
                got.reverse();
            }
            assert_eq!((got, pages), (sent.clone(), 3), "{direction}");
        }
        let token = alice.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        reply(&bob, &room, &root, "later").await;
        let rest = format!("?from={}", enc(&token));
        let answer = good(&alice, &relations(&room, &root, &rest)).await;
        assert_eq!(answer["chunk"].as_array().expect("a list").len(), 7);
        assert_eq!(
            refusal(alice.get(&relations(&room, &root, "?from=x")).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
        assert_eq!(alice.get(&relations(&room, &root, "?limit=x")).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn relations_of_what_one_may_not_see_are_not_found() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let eve = server.user("eve").await;
        let root = alice.send_text(&room, "root").await;
        reply(&bob, &room, &root, "secret").await;
        let unknown = "$1-F1b3GGzvdqkkJ2FkQ-bVhIYGUZvR9BqSVgl4pQAAA";
        let expected = alice.get(&relations(&room, unknown, "")).await;
        assert_eq!(expected.0, 404, "{}", expected.1);
        assert_eq!(eve.get(&relations(&room, &root, "")).await, expected);
        assert_eq!(
            eve.get(&relations("!nowhere:test.example", &root, "")).await,
            expected
        );
        assert_eq!(
            eve.get(&threads(&room, "")).await,
            eve.get(&threads("!nowhere:test.example", "")).await
        );
        assert_eq!(eve.get(&threads(&room, "")).await.0, 403);
        for path in [relations(&room, &root, ""), threads(&room, "")] {
            assert_eq!(
                refusal(server.get(&path, None).await),
                (401, "M_MISSING_TOKEN".to_owned())
            );
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_left_is_told_nothing_of_later_relations() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let before = reply(&alice, &room, &root, "before").await;
        bob.leave(&room).await;
        reply(&alice, &room, &root, "secret").await;
        edit(&alice, &room, &root, "secret").await;
        let reference = json!({ "m.relates_to": { "rel_type": "m.reference", "event_id": root } });
        alice.send(&room, "org.example.note", reference).await;

        let told = bundle(&bob, &room, &root).await;
        assert_eq!(told["m.thread"]["count"], 1, "{told}");
        assert_eq!(told["m.thread"]["latest_event"]["event_id"], before);
        assert_eq!(told["m.replace"], Value::Null, "{told}");
        assert_eq!(told["m.reference"], Value::Null, "{told}");
        let answer = good(&bob, &relations(&room, &root, "?recurse=true")).await;
        assert_eq!(ids(&answer["chunk"]), [before]);
        for path in [
            threads(&room, ""),
            path(&room, "messages?dir=b"),
            path(&room, &format!("context/{}", enc(&root))),
        ] {
            let answer = good(&bob, &path).await;
            assert!(!answer.to_string().contains("secret"), "{path}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_joined_later_is_told_what_the_history_shows() {
    TestServer::each(async |server| {
        for visibility in ["shared", "joined"] {
            let name = |name: &str| format!("{name}.{visibility}");
            let (alice, bob) = (server.user(&name("alice")).await, server.user(&name("bob")).await);
            let state = json!([{
                "type": "m.room.history_visibility", "state_key": "",
                "content": { "history_visibility": visibility },
            }]);
            let room = alice
                .create_room(json!({ "preset": "public_chat", "initial_state": state }))
                .await;
            let root = alice.send_text(&room, "root").await;
            reply(&alice, &room, &root, "one").await;
            let early = edit(&alice, &room, &root, "early").await;
            reply(&alice, &room, &root, "two").await;
            bob.join(&room).await;
            let last = reply(&alice, &room, &root, "three").await;
            let list = good(&bob, &threads(&room, "")).await;
            if visibility == "shared" {
                let told = bundle(&bob, &room, &root).await;
                assert_eq!(told["m.thread"]["count"], 3, "{told}");
                assert_eq!(told["m.thread"]["latest_event"]["event_id"], last);
                assert_eq!(told["m.replace"]["event_id"], early);
                assert_eq!(ids(&list["chunk"]), [root]);
            } else {
                assert_eq!(list["chunk"], json!([]), "the root is hidden");
                assert_eq!(refusal(bob.get(&relations(&room, &root, "")).await).0, 404);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn threads_edits_and_references_come_with_the_event() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        alice.invite(&room, &carol).await;
        carol.join(&room).await;
        let root = alice.send_text(&room, "root").await;
        reply(&bob, &room, &root, "one").await;
        let last = reply(&bob, &room, &root, "two").await;
        let edited = edit(&bob, &room, &last, "two!").await;
        let replaced = edit(&alice, &room, &root, "new root").await;
        // Neither edits of others nor edits without content nor of another type count.
        edit(&bob, &room, &root, "hostile").await;
        let relates_to = json!({ "rel_type": "m.replace", "event_id": root });
        let hollow = json!({ "msgtype": "m.text", "body": "hollow", "m.relates_to": relates_to });
        alice.send(&room, "m.room.message", hollow).await;
        let other = json!({ "m.new_content": {}, "m.relates_to": relates_to });
        alice.send(&room, "m.sticker", other).await;
        let relates_to = json!({ "rel_type": "m.reference", "event_id": root });
        let note = bob
            .send(&room, "org.example.note", json!({ "m.relates_to": relates_to }))
            .await;
        alice.send(&room, "m.reaction", reaction(&root)).await;

        let told = bundle(&carol, &room, &root).await;
        assert_eq!(told["m.thread"]["count"], 2);
        assert_eq!(told["m.thread"]["current_user_participated"], false);
        let latest = &told["m.thread"]["latest_event"];
        assert_eq!(
            (&latest["event_id"], &latest["content"]["body"]),
            (&json!(last), &json!("two"))
        );
        assert_eq!(latest["unsigned"]["m.relations"]["m.replace"]["event_id"], edited);
        assert_eq!(told["m.replace"]["event_id"], replaced);
        assert_eq!(told["m.replace"]["content"]["m.new_content"]["body"], "new root");
        assert_eq!(told["m.reference"], json!({ "chunk": [{ "event_id": note }] }));
        assert_eq!(told.as_object().expect("an object").len(), 3, "{told}");
        for user in [&alice, &bob] {
            let told = bundle(user, &room, &root).await;
            assert_eq!(told["m.thread"]["current_user_participated"], true);
        }

        // The same everywhere.
        let find = |events: &Value| {
            let events = events.as_array().expect("a list").iter();
            let found = events.clone().find(|event| event["event_id"] == root);
            let relations = &found.unwrap_or_else(|| panic!("no root"))["unsigned"]["m.relations"];
            let thread = &relations["m.thread"];
            (
                relations["m.replace"]["event_id"].clone(),
                thread["count"].clone(),
                thread["latest_event"]["event_id"].clone(),
                relations["m.reference"]["chunk"][0]["event_id"].clone(),
            )
        };
        let expected = (json!(replaced), json!(2), json!(last), json!(note));
        let page = good(&carol, &path(&room, "messages?dir=b&limit=50")).await;
        assert_eq!(find(&page["chunk"]), expected);
        let context = good(&carol, &path(&room, &format!("context/{}", enc(&root)))).await;
        assert_eq!(find(&json!([context["event"]])), expected);
        let context = good(&carol, &path(&room, &format!("context/{}", enc(&last)))).await;
        assert_eq!(find(&context["events_before"]), expected);
        assert_eq!(find(&good(&carol, &threads(&room, "")).await["chunk"]), expected);
        let sync = carol.sync(None).await;
        assert_eq!(
            find(&sync["rooms"]["join"][&room]["timeline"]["events"]),
            expected
        );
        let answer = good(&carol, &relations(&room, &root, "/m.thread")).await;
        assert_eq!(
            answer["chunk"][0]["unsigned"]["m.relations"]["m.replace"]["event_id"],
            edited
        );
    })
    .await;
}

#[tokio::test]
async fn an_edit_of_an_edit_and_of_state_is_none() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let text = alice.send_text(&room, "text").await;
        let first = edit(&alice, &room, &text, "first").await;
        edit(&alice, &room, &first, "of the edit").await;
        assert_eq!(bundle(&alice, &room, &first).await, Value::Null);
        let topic = alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "Akten" }))
            .await;
        edit(&alice, &room, &topic, "state").await;
        assert_eq!(bundle(&alice, &room, &topic).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_redaction_takes_a_relation_back() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let first = reply(&bob, &room, &root, "one").await;
        let second = reply(&bob, &room, &root, "two").await;
        let old = edit(&alice, &room, &root, "old").await;
        server.clock().advance(Duration::from_secs(1));
        let new = edit(&alice, &room, &root, "new").await;

        redact(&bob, &room, &second).await;
        redact(&alice, &room, &new).await;
        let told = bundle(&bob, &room, &root).await;
        assert_eq!(told["m.thread"]["latest_event"]["event_id"], first);
        assert_eq!(told["m.thread"]["count"], 1);
        assert_eq!(told["m.replace"]["event_id"], old);

        // The thread of a redacted event stays, its edits go.
        redact(&alice, &room, &root).await;
        let told = bundle(&bob, &room, &root).await;
        assert_eq!(told["m.thread"]["count"], 1, "{told}");
        assert_eq!(told["m.replace"], Value::Null, "{told}");

        redact(&bob, &room, &first).await;
        assert_eq!(bundle(&bob, &room, &root).await, Value::Null);
        assert_eq!(good(&bob, &threads(&room, "")).await["chunk"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn threads_are_listed_by_their_newest_event() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        alice.invite(&room, &carol).await;
        carol.join(&room).await;
        let mut roots = Vec::new();
        for number in 0..5 {
            roots.push(alice.send_text(&room, &format!("{number}")).await);
        }
        for root in &roots {
            reply(&bob, &room, root, "reply").await;
        }
        let by_carol = carol.send_text(&room, "mine").await;
        reply(&bob, &room, &by_carol, "reply").await;
        reply(&carol, &room, &roots[0], "again").await;
        let expected = [&roots[0], &by_carol, &roots[4], &roots[3], &roots[2], &roots[1]];

        let (mut got, mut from) = (Vec::new(), String::new());
        loop {
            let answer = good(&carol, &threads(&room, &format!("?limit=4{from}"))).await;
            got.extend(ids(&answer["chunk"]));
            match answer["next_batch"].as_str() {
                Some(token) => from = format!("&from={}", enc(token)),
                None => break,
            }
        }
        assert_eq!(got, expected.map(String::clone));
        for (user, count) in [(&carol, 2), (&alice, 5), (&bob, 6)] {
            let answer = good(user, &threads(&room, "?include=participated")).await;
            assert_eq!(ids(&answer["chunk"]).len(), count, "{}", user.id);
        }
        assert_eq!(
            refusal(carol.get(&threads(&room, "?from=x")).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn ignored_people_count_in_no_thread() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        alice.invite(&room, &carol).await;
        carol.join(&room).await;
        let root = alice.send_text(&room, "root").await;
        let kept = reply(&carol, &room, &root, "kept").await;
        reply(&bob, &room, &root, "noise").await;
        let only_bob = alice.send_text(&room, "another").await;
        reply(&bob, &room, &only_bob, "noise").await;
        let of_bob = bob.send_text(&room, "noise as root").await;
        reply(&carol, &room, &of_bob, "answer").await;
        let relates_to = json!({ "rel_type": "m.reference", "event_id": root });
        bob.send(&room, "org.example.note", json!({ "m.relates_to": relates_to }))
            .await;
        ignore(&alice, &bob).await;

        let told = bundle(&alice, &room, &root).await;
        assert_eq!(told["m.thread"]["count"], 1);
        assert_eq!(told["m.thread"]["latest_event"]["event_id"], kept);
        assert_eq!(told["m.reference"], Value::Null);
        let list = good(&alice, &threads(&room, "")).await;
        assert_eq!(ids(&list["chunk"]), [of_bob, root.clone()]);
        assert_eq!(list["chunk"][0]["content"], json!({}), "redacted");
        let answer = good(&alice, &relations(&room, &root, "")).await;
        assert_eq!(ids(&answer["chunk"]), [kept]);
        for path in [
            path(&room, "messages?dir=b&limit=50"),
            path(&room, &format!("context/{}?limit=50", enc(&root))),
            "/_matrix/client/v3/sync".to_owned(),
        ] {
            let answer = good(&alice, &path).await;
            assert!(!answer.to_string().contains("noise"), "{path}: {answer}");
        }
        assert_eq!(
            good(&carol, &threads(&room, "")).await["chunk"]
                .as_array()
                .map(Vec::len),
            Some(3)
        );
    })
    .await;
}

#[tokio::test]
async fn a_reaction_is_given_once_until_it_is_taken_back() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let text = alice.send_text(&room, "text").await;
        let first = bob.send(&room, "m.reaction", reaction(&text)).await;
        alice.send(&room, "m.reaction", reaction(&text)).await;
        let again = bob
            .put(&path(&room, "send/m.reaction/again"), reaction(&text))
            .await;
        assert_eq!(refusal(again), (400, "M_DUPLICATE_ANNOTATION".to_owned()));
        redact(&bob, &room, &first).await;
        bob.send(&room, "m.reaction", reaction(&text)).await;
    })
    .await;
}

#[tokio::test]
async fn a_thread_can_not_begin_at_what_relates_to_another_event() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let child = reply(&bob, &room, &root, "child").await;
        let content = |event: &str| {
            json!({
                "msgtype": "m.text", "body": "nested",
                "m.relates_to": { "rel_type": "m.thread", "event_id": event },
            })
        };
        let nested = alice
            .put(&path(&room, "send/m.room.message/nested"), content(&child))
            .await;
        assert_eq!(refusal(nested), (400, "M_UNKNOWN".to_owned()));
        // Who isn't in the room learns nothing of its events.
        let eve = server.user("eve").await;
        let real = eve
            .put(&path(&room, "send/m.room.message/nested"), content(&child))
            .await;
        let plain = eve
            .put(&path(&room, "send/m.room.message/plain"), content(&root))
            .await;
        assert_eq!(real, plain);
        assert_eq!(real.0, 403);
    })
    .await;
}

#[tokio::test]
async fn relations_that_make_no_sense_are_ignored() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        for relates_to in [
            json!(7),
            json!({ "rel_type": "m.thread" }),
            json!({ "rel_type": "", "event_id": root }),
            json!({ "rel_type": "x".repeat(300), "event_id": root }),
            json!({ "rel_type": "m.thread", "event_id": "no id" }),
            json!({ "rel_type": 3, "event_id": root }),
            json!({ "m.in_reply_to": { "event_id": root } }),
        ] {
            let content = json!({ "msgtype": "m.text", "body": "odd", "m.relates_to": relates_to });
            alice.send(&room, "m.room.message", content).await;
        }
        let answer = good(&alice, &relations(&room, &root, "")).await;
        assert_eq!(answer["chunk"], json!([]));
        assert_eq!(bundle(&alice, &room, &root).await, Value::Null);
    })
    .await;
}
