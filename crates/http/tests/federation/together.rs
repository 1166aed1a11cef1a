//! What happens in rooms that servers of our own share: everybody sees it, whoever was away meanwhile.

use std::time::Duration;

use rohrpost_testkit::{Neighbours, TestServer, User, enc};
use serde_json::{Value, json};

fn change(settings: &mut rohrpost_core::settings::Settings) {
    settings.outbox.patience = Duration::from_secs(1);
    settings.outbox.catch_up_events = 5;
}

/// Runs a test with a server of each engine, whose room it is, and another one.
async fn each(test: impl AsyncFn(&Neighbours, TestServer, TestServer)) {
    Neighbours::each(change, async |neighbours, server| {
        let other = neighbours.with(change).sqlite().await;
        test(neighbours, server, other.clone()).await;
        other.close().await;
    })
    .await;
}

async fn tell(servers: &[&TestServer]) {
    for server in servers {
        server.tell_servers().await;
    }
}

/// Brings somebody into a room by way of a server.
async fn enter(user: &User, room: &str, via: &TestServer) {
    let path = format!(
        "/_matrix/client/v3/join/{}?via={}",
        enc(room),
        enc(via.name().as_str())
    );
    let (status, answer) = user.post(&path, json!({})).await;
    assert_eq!(status, 200, "{answer}");
}

/// A room of Anna's on the first server, with Berta of the second in it.
async fn shared_room(one: &TestServer, other: &TestServer) -> (User, User, String) {
    // From here on they follow what happens.
    tell(&[one, other]).await;
    let (anna, berta) = (one.user("anna").await, other.user("berta").await);
    let room = anna.create_room(json!({ "preset": "public_chat" })).await;
    enter(&berta, &room, one).await;
    tell(&[one, other]).await;
    (anna, berta, room)
}

/// The texts of the messages of a room that somebody can read, oldest first.
async fn texts(user: &User, room: &str) -> Vec<String> {
    let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100", enc(room));
    let (status, page) = user.get(&path).await;
    assert_eq!(status, 200, "{page}");
    let chunk = page["chunk"].as_array().cloned().unwrap_or_default();
    let text = |event: &Value| event["content"]["body"].as_str().map(str::to_owned);
    chunk.iter().rev().filter_map(text).collect()
}

fn membership(sync: &Value, list: &str, room: &str) -> bool {
    sync["rooms"][list].get(room).is_some()
}

#[tokio::test]
async fn what_one_writes_the_other_reads() {
    each(async |_, one, other| {
        let (anna, berta, room) = shared_room(&one, &other).await;
        anna.send_text(&room, "one").await;
        tell(&[&one]).await;
        berta.send_text(&room, "two").await;
        tell(&[&other]).await;
        let last = anna.send_text(&room, "three").await;
        tell(&[&one]).await;
        for user in [&anna, &berta] {
            assert_eq!(texts(user, &room).await, ["one", "two", "three"]);
        }
        let path = format!("/_matrix/client/v3/rooms/{}/redact/{}/1", enc(&room), enc(&last));
        assert_eq!(anna.put(&path, json!({})).await.0, 200);
        tell(&[&one]).await;
        assert_eq!(texts(&berta, &room).await, ["one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn who_joins_by_one_server_is_known_to_all() {
    each(async |neighbours, one, other| {
        let third = neighbours.with(change).sqlite().await;
        tell(&[&third]).await;
        let (anna, berta, room) = shared_room(&one, &other).await;
        let clara = third.user("clara").await;
        enter(&clara, &room, &one).await;
        tell(&[&one, &third]).await;
        // Of Clara's join, Berta's server heard from Anna's.
        berta.send_text(&room, "from berta").await;
        tell(&[&other]).await;
        clara.send_text(&room, "from clara").await;
        tell(&[&third]).await;
        for user in [&anna, &berta, &clara] {
            assert_eq!(
                texts(user, &room).await,
                ["from berta", "from clara"],
                "{}",
                user.id
            );
        }
        third.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_is_put_out_is_told_and_reads_no_more() {
    each(async |_, one, other| {
        let (anna, berta, room) = shared_room(&one, &other).await;
        assert!(membership(&berta.sync(None).await, "join", &room));
        let path = format!("/_matrix/client/v3/rooms/{}/kick", enc(&room));
        let body = json!({ "user_id": berta.id, "reason": "late" });
        assert_eq!(anna.post(&path, body).await.0, 200);
        anna.send_text(&room, "not for her").await;
        tell(&[&one]).await;
        let sync = berta.sync(None).await;
        assert!(!membership(&sync, "join", &room), "{sync}");
        assert!(!texts(&berta, &room).await.contains(&"not for her".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_was_away_gets_what_happened_meanwhile() {
    each(async |_, one, other| {
        let (anna, berta, room) = shared_room(&one, &other).await;
        for many in [3, 9] {
            other.close().await;
            let before = texts(&anna, &room).await.len();
            for number in 0..many {
                anna.send_text(&room, &format!("{many}-{number}")).await;
                tell(&[&one]).await;
            }
            other.open_again().await;
            one.clock().advance(Duration::from_secs(3600));
            tell(&[&one]).await;
            let (written, read) = (texts(&anna, &room).await, texts(&berta, &room).await);
            assert_eq!(written.len(), before + many);
            assert_eq!(read, written, "{many}");
        }
    })
    .await;
}

#[tokio::test]
async fn messages_between_devices_typing_and_receipts_cross_over() {
    each(async |_, one, other| {
        let (anna, berta, room) = shared_room(&one, &other).await;
        let event = anna.send_text(&room, "read me").await;
        tell(&[&one]).await;
        let before = anna.sync(None).await;
        let path = format!(
            "/_matrix/client/v3/rooms/{}/typing/{}",
            enc(&room),
            enc(berta.id.as_str())
        );
        let typing = json!({ "typing": true, "timeout": 30_000 });
        assert_eq!(berta.put(&path, typing).await.0, 200);
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&room),
            enc(&event)
        );
        assert_eq!(berta.post(&path, json!({})).await.0, 200);
        let message = json!({ "messages": { (anna.id.as_str()): { "*": { "secret": 1 } } } });
        let path = "/_matrix/client/v3/sendToDevice/m.dummy/1";
        assert_eq!(berta.put(path, message).await.0, 200);
        tell(&[&other]).await;
        let since = before["next_batch"].as_str();
        let sync = anna.sync(since).await;
        assert_eq!(
            sync["to_device"]["events"],
            json!([{ "type": "m.dummy", "sender": berta.id, "content": { "secret": 1 } }])
        );
        let ephemeral = &sync["rooms"]["join"][&room]["ephemeral"]["events"];
        let ephemeral = ephemeral.as_array().cloned().unwrap_or_default();
        let of = |kind: &str| {
            let mut events = ephemeral.iter();
            let event = events.find(|event| event["type"] == kind);
            event.map_or(Value::Null, |event| event["content"].clone())
        };
        assert_eq!(of("m.typing"), json!({ "user_ids": [berta.id] }));
        assert!(of("m.receipt")[&event]["m.read"].get(berta.id.as_str()).is_some());
    })
    .await;
}
