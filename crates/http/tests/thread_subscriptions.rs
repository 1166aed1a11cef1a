//! Threads that people follow, on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

const LIST: &str = "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions?dir=b";
const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const EXTENSION: &str = "io.element.msc4308.thread_subscriptions";

fn path(room: &str, root: &str) -> String {
    format!(
        "/_matrix/client/unstable/io.element.msc4306/rooms/{}/thread/{}/subscription",
        enc(room),
        enc(root)
    )
}

fn refusal((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["errcode"].as_str().unwrap_or_default().to_owned())
}

async fn reply(user: &User, room: &str, root: &str) -> String {
    let relation = json!({ "rel_type": "m.thread", "event_id": root });
    let content = json!({ "msgtype": "m.text", "body": "in a thread", "m.relates_to": relation });
    user.send(room, "m.room.message", content).await
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

async fn subscriptions(user: &User, pos: Option<&str>, limit: u64) -> (Value, String) {
    let body =
        json!({ "conn_id": "threads", "extensions": { EXTENSION: { "enabled": true, "limit": limit } } });
    let pos = pos.map(|pos| format!("?pos={}", enc(pos))).unwrap_or_default();
    let (status, answer) = user.post(&format!("{SLIDING}{pos}"), body).await;
    assert_eq!(status, 200, "{answer}");
    let pos = answer["pos"].as_str().expect("a position").to_owned();
    (answer["extensions"][EXTENSION].clone(), pos)
}

#[tokio::test]
async fn a_thread_is_followed_and_given_up() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let thread = path(&room, &root);
        let not_found = (404, "M_NOT_FOUND".to_owned());
        assert_eq!(refusal(bob.get(&thread).await), not_found);
        assert_eq!(bob.delete(&thread).await, (200, json!({})), "it wasn't followed");
        for _ in 0..2 {
            assert_eq!(bob.put(&thread, json!({})).await, (200, json!({})));
        }
        assert_eq!(bob.get(&thread).await, (200, json!({ "automatic": false })));
        assert_eq!(refusal(alice.get(&thread).await), not_found, "it is bob's");
        for _ in 0..2 {
            assert_eq!(bob.delete(&thread).await, (200, json!({})));
        }
        assert_eq!(refusal(bob.get(&thread).await), not_found);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_follows_by_itself_does_not_undo_what_the_user_decided() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let first = reply(&alice, &room, &root).await;
        let thread = path(&room, &root);
        let automatic = |event: &str| json!({ "automatic": event });
        assert_eq!(bob.put(&thread, automatic(&first)).await.0, 200);
        assert_eq!(bob.get(&thread).await.1, json!({ "automatic": true }));
        assert_eq!(bob.put(&thread, json!({})).await.0, 200);
        assert_eq!(bob.put(&thread, automatic(&first)).await.0, 200);
        assert_eq!(
            bob.get(&thread).await.1,
            json!({ "automatic": false }),
            "it stays as wanted"
        );

        assert_eq!(bob.delete(&thread).await.0, 200);
        let conflict = (409, "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION".to_owned());
        for _ in 0..2 {
            assert_eq!(refusal(bob.put(&thread, automatic(&first)).await), conflict);
        }
        assert_eq!(bob.get(&thread).await.0, 404);
        let second = reply(&alice, &room, &root).await;
        assert_eq!(bob.put(&thread, automatic(&second)).await.0, 200, "that is new");
        assert_eq!(bob.get(&thread).await.1, json!({ "automatic": true }));
    })
    .await;
}

#[tokio::test]
async fn only_an_event_of_the_thread_is_a_reason_to_follow_it() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let beside = alice.send_text(&room, "beside").await;
        let thread = path(&room, &root);
        for event in [beside.as_str(), root.as_str(), "$unknown"] {
            assert_eq!(
                refusal(bob.put(&thread, json!({ "automatic": event })).await),
                (400, "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD".to_owned()),
                "{event}"
            );
        }
        for body in [json!({ "automatic": 7 }), json!({ "automatic": "x" }), json!([])] {
            assert_eq!(
                refusal(bob.put(&thread, body).await),
                (400, "M_BAD_JSON".to_owned())
            );
        }
        assert_eq!(bob.get(&thread).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_thread_that_can_not_be_seen_is_none() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let root = alice.send_text(&room, "root").await;
        let carol = server.user("carol").await;
        let hidden = path(&room, &root);
        for thread in [
            hidden.clone(),
            path(&room, "$unknown"),
            path("!unknown:test.example", &root),
        ] {
            for answer in [
                carol.get(&thread).await,
                carol.put(&thread, json!({})).await,
                carol.put(&thread, json!({ "automatic": root })).await,
                carol.delete(&thread).await,
            ] {
                assert_eq!(refusal(answer), (404, "M_NOT_FOUND".to_owned()), "{thread}");
            }
        }
        assert_eq!(
            refusal(server.get(&hidden, None).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
        // Who is out sees nothing that came later.
        bob.leave(&room).await;
        let later = path(&room, &alice.send_text(&room, "later").await);
        assert_eq!(bob.put(&later, json!({})).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn other_devices_are_told_and_what_was_too_much_is_read_by_page() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let (none, mut pos) = subscriptions(&bob, None, 10).await;
        assert_eq!(none, Value::Null);
        let mut roots = Vec::new();
        for number in 0..5 {
            let root = alice.send_text(&room, &number.to_string()).await;
            assert_eq!(bob.put(&path(&room, &root), json!({})).await.0, 200);
            roots.push(root);
        }
        assert_eq!(bob.delete(&path(&room, &roots[4])).await.0, 200);
        let (told, next) = subscriptions(&bob, Some(&pos), 2).await;
        assert_eq!(told["subscribed"][&room][&roots[3]]["automatic"], false);
        let stamp = |thread: &Value| thread["bump_stamp"].as_i64().expect("a stamp");
        assert!(
            stamp(&told["unsubscribed"][&room][&roots[4]]) > stamp(&told["subscribed"][&room][&roots[3]])
        );
        assert_eq!(
            told["subscribed"][&room].as_object().map(serde_json::Map::len),
            Some(1)
        );

        // "The pos parameter in the request would be used for the to parameter."
        let from = told["prev_batch"].as_str().expect("there is more").to_owned();
        let mut found = Vec::new();
        let mut from = Some(from);
        while let Some(token) = from {
            let query = format!("{LIST}&limit=2&to={}&from={}", enc(&pos), enc(&token));
            let (status, page) = bob.get(&query).await;
            assert_eq!(status, 200, "{page}");
            let threads = page["subscribed"][&room].as_object().cloned().unwrap_or_default();
            found.extend(threads.into_iter().map(|(root, _)| root));
            from = page["end"].as_str().map(str::to_owned);
        }
        found.sort();
        let mut older = roots[..3].to_vec();
        older.sort();
        assert_eq!(found, older);

        pos = next;
        assert_eq!(
            subscriptions(&bob, Some(&pos), 10).await.0,
            Value::Null,
            "nothing new"
        );
        let all = bob.get(LIST).await.1;
        assert_eq!(
            all["subscribed"][&room].as_object().map(serde_json::Map::len),
            Some(4)
        );
        assert!(alice.get(LIST).await.1["subscribed"].is_null(), "it is bob's");
        for query in ["&limit=0", "&from=x", "&to=x"] {
            let answer = bob.get(&format!("{LIST}{query}")).await;
            assert_eq!(refusal(answer), (400, "M_INVALID_PARAM".to_owned()), "{query}");
        }
    })
    .await;
}
