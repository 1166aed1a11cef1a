//! What other servers are told, how often, and in which order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rohrpost_core::federation::outbox;
use rohrpost_testkit::{Neighbours, Said, Stranger, TestServer, User, enc};
use ruma::events::room::member::MembershipState;
use serde_json::json;

const FIRST_RETRY: Duration = Duration::from_secs(5);
const MAX_RETRY: Duration = Duration::from_secs(60);

fn down() -> Said {
    Said::json(502, json!({}))
}

/// A room of Alice's with somebody of the peer in it, and nothing waiting.
async fn shared_room(server: &TestServer, peer: &Stranger) -> (User, String) {
    let alice = server.user("alice").await;
    let room = alice.create_room(json!({ "preset": "public_chat" })).await;
    peer.seat(server, &room, "eva").await;
    server.tell_servers().await;
    peer.forget();
    (alice, room)
}

/// The messages that a peer took or saw, in order.
fn messages(peer: &Stranger) -> Vec<String> {
    peer.transactions()
        .iter()
        .flat_map(|sent| sent.messages())
        .collect()
}

async fn each(test: impl AsyncFn(&Neighbours, TestServer)) {
    let change = |settings: &mut rohrpost_core::settings::Settings| {
        settings.outbox.first_retry = FIRST_RETRY;
        settings.outbox.max_retry = MAX_RETRY;
        settings.outbox.catch_up_events = 5;
        settings.presence = true;
    };
    Neighbours::each(change, test).await;
}

#[tokio::test]
async fn servers_in_a_room_are_told_its_events_in_order_and_each_once() {
    each(async |neighbours, server| {
        let (peer, other) = (
            neighbours.stranger_at("127.0.0.2").await,
            neighbours.stranger_at("127.0.0.2").await,
        );
        let (alice, room) = shared_room(&server, &peer).await;
        let elsewhere = alice.create_room(json!({})).await;
        let mut ids = Vec::new();
        for number in 0..60 {
            ids.push(alice.send_text(&room, &number.to_string()).await);
            alice.send_text(&elsewhere, "not for others").await;
        }
        server.tell_servers().await;
        server.tell_servers().await;
        let sent = peer.transactions();
        let sizes: Vec<usize> = sent.iter().map(|sent| sent.list("pdus").len()).collect();
        assert_eq!(sizes, [50, 10]);
        let expected: Vec<String> = (0..60).map(|number| number.to_string()).collect();
        assert_eq!(messages(&peer), expected);
        let (first, id) = (&sent[0], sent[0].txn_id().expect("an id"));
        assert_eq!(first.body["origin"], server.name().as_str());
        assert!(
            first.authorization.starts_with("X-Matrix "),
            "{}",
            first.authorization
        );
        assert!(!id.is_empty() && sent[1].txn_id() != Some(id));
        let pdu = &first.list("pdus")[0];
        assert!(pdu["signatures"][server.name().as_str()].is_object() && pdu.get("unsigned").is_none());
        assert!(other.requests().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_wasnt_taken_is_sent_again_as_it_was_and_then_the_rest() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        peer.answer(|request| request.is_transaction().then(down));
        alice.send_text(&room, "one").await;
        server.tell_servers().await;
        alice.send_text(&room, "two").await;
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["one"], "it isn't asked again at once");
        server.restart().await;
        server.clock().advance(FIRST_RETRY);
        peer.behave();
        server.tell_servers().await;
        let sent = peer.transactions();
        assert_eq!(messages(&peer), ["one", "one", "two"]);
        assert_eq!((&sent[0].path, &sent[0].body), (&sent[1].path, &sent[1].body));
        assert_ne!(sent[1].path, sent[2].path);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_breaks_down_while_it_waits_for_an_answer() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        peer.answer(|request| request.is_transaction().then_some(Said::Never));
        alice.send_text(&room, "one").await;
        tokio::select! {
            () = server.tell_servers() => panic!("there was an answer"),
            _ = peer.transactions_at_least(1) => {}
        }
        server.restart().await;
        peer.behave();
        alice.send_text(&room, "two").await;
        // Another node may believe for so long that the first one is still at it.
        server.clock().advance(Duration::from_secs(61));
        outbox::begin(&server.core()).await.expect("the store works");
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["one", "one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_for_longer_and_longer_until_it_says_something() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        peer.answer(|request| request.is_transaction().then(down));
        alice.send_text(&room, "one").await;
        server.tell_servers().await;
        // Seconds until it was tried again, as far as whole steps tell.
        let mut pauses = Vec::new();
        for attempt in 2..=5 {
            let mut waited = 0;
            while peer.transactions().len() < attempt {
                server.clock().advance(Duration::from_secs(1));
                server.tell_servers().await;
                waited += 1;
            }
            pauses.push(waited);
        }
        for (pause, most) in pauses.iter().zip([5, 10, 20, 40]) {
            assert!((most * 3 / 4..=most).contains(pause), "{pauses:?}");
        }
        server.clock().advance(FIRST_RETRY);
        server.tell_servers().await;
        assert_eq!(peer.transactions().len(), 5);
        peer.behave();
        let path = format!(
            "/_matrix/federation/v1/query/profile?user_id={}",
            enc(alice.id.as_str())
        );
        assert_eq!(peer.ask(&server, "GET", &path, None).await.0, 200);
        server.tell_servers().await;
        assert_eq!(peer.transactions().len(), 6);
        alice.send_text(&room, "two").await;
        server.tell_servers().await;
        assert_eq!(messages(&peer).last().map(String::as_str), Some("two"));
    })
    .await;
}

#[tokio::test]
async fn after_a_long_time_a_server_is_told_the_newest_of_each_room() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        let quiet = alice.create_room(json!({ "preset": "public_chat" })).await;
        let left = alice.create_room(json!({ "preset": "public_chat" })).await;
        for room in [&quiet, &left] {
            peer.seat(&server, room, "eva").await;
        }
        server.tell_servers().await;
        peer.forget();
        peer.answer(|request| request.is_transaction().then(down));
        alice.send_text(&quiet, "quiet").await;
        alice.send_text(&left, "left").await;
        for number in 0..5 {
            alice.send_text(&room, &number.to_string()).await;
            server.tell_servers().await;
        }
        peer.member(&server, &left, "eva", MembershipState::Leave).await;
        peer.behave();
        peer.forget();
        server.clock().advance(MAX_RETRY);
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["quiet", "4"]);
        for number in 5..15 {
            alice.send_text(&room, &number.to_string()).await;
        }
        server.tell_servers().await;
        assert_eq!(messages(&peer).len(), 12, "who answers is told everything");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_doesnt_answer_holds_up_nobody_else() {
    each(async |neighbours, server| {
        let (dead, peer) = (
            neighbours.stranger_at("127.0.0.2").await,
            neighbours.stranger_at("127.0.0.2").await,
        );
        let (alice, room) = shared_room(&server, &peer).await;
        dead.seat(&server, &room, "eva").await;
        dead.answer(|request| request.is_transaction().then_some(Said::Never));
        let mut tasks = server.keep_telling_servers();
        for number in 1..=5 {
            alice.send_text(&room, &number.to_string()).await;
            peer.transactions_at_least(number).await;
        }
        assert_eq!(
            dead.transactions_at_least(1).await.len(),
            1,
            "one request at a time"
        );
        assert_eq!(messages(&peer), ["1", "2", "3", "4", "5"]);
        server.core().stop();
        tasks
            .join_next()
            .await
            .expect("it ran")
            .expect("it ends in order");
    })
    .await;
}

#[tokio::test]
async fn an_event_that_no_server_could_take_stands_in_nobodys_way() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        alice.send_text(&room, "one").await;
        let poison = alice.send_text(&room, "poison").await;
        alice.send_text(&room, "two").await;
        server.poison(&room, &poison).await;
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["one", "two"]);
        let failing = peer.transactions().len();
        server.tell_servers().await;
        assert_eq!(peer.transactions().len(), failing);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_one_server_refuses_again_and_again_is_left_out_alone() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        let tries = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&tries);
        peer.answer(move |request| {
            let is_bad = request.messages().contains(&"bad".to_owned());
            is_bad.then(|| {
                counter.fetch_add(1, Ordering::Relaxed);
                Said::json(400, json!({ "errcode": "M_BAD_JSON", "error": "no" }))
            })
        });
        for text in ["1", "2", "bad", "4"] {
            alice.send_text(&room, text).await;
        }
        server.tell_servers().await;
        for _ in 0..20 {
            server.clock().advance(MAX_RETRY);
            server.tell_servers().await;
        }
        let taken: Vec<String> = peer
            .transactions()
            .iter()
            .filter(|sent| !sent.messages().contains(&"bad".to_owned()))
            .flat_map(|sent| sent.messages())
            .collect();
        assert_eq!(taken, ["1", "2", "4"]);
        assert!((5..15).contains(&tries.load(Ordering::Relaxed)), "{tries:?}");
    })
    .await;
}

#[tokio::test]
async fn who_is_banned_learns_that_and_nothing_after_it() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        alice.send_text(&room, "before").await;
        let path = format!("/_matrix/client/v3/rooms/{}/ban", enc(&room));
        let body = json!({ "user_id": peer.user("eva") });
        assert_eq!(alice.post(&path, body).await.0, 200);
        alice.send_text(&room, "after").await;
        server.tell_servers().await;
        let sent = peer.transactions();
        let kinds: Vec<String> = sent[0]
            .list("pdus")
            .iter()
            .map(|pdu| pdu["type"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds, ["m.room.message", "m.room.member"]);
        assert_eq!((sent.len(), messages(&peer)), (1, vec!["before".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_the_room_shuts_out_is_told_nothing() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        peer.answer(|request| request.is_transaction().then(down));
        alice.send_text(&room, "waits").await;
        server.tell_servers().await;
        let acl = json!({ "allow": ["*"], "deny": ["127.0.0.2"] });
        alice.set_state(&room, "m.room.server_acl", "", acl).await;
        alice.send_text(&room, "after").await;
        peer.behave();
        peer.forget();
        server.clock().advance(MAX_RETRY);
        server.tell_servers().await;
        assert_eq!(peer.transactions().len(), 0);
        let open = alice.create_room(json!({ "preset": "public_chat" })).await;
        peer.seat(&server, &open, "eva").await;
        alice.send_text(&open, "open").await;
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["open"]);
    })
    .await;
}

#[tokio::test]
async fn a_server_is_told_what_happens_while_it_is_there_and_not_what_another_one_tells_it() {
    each(async |neighbours, server| {
        let peer = neighbours.stranger_at("127.0.0.2").await;
        let (alice, room) = shared_room(&server, &peer).await;
        let late = neighbours.stranger_at("127.0.0.2").await;
        alice.send_text(&room, "before").await;
        late.seat(&server, &room, "otto").await;
        let elsewhere = alice.send_text(&room, "another server tells").await;
        server.pass(&room, &elsewhere, false).await;
        alice.send_text(&room, "meanwhile").await;
        late.member(&server, &room, "otto", MembershipState::Leave).await;
        alice.send_text(&room, "after").await;
        server.tell_servers().await;
        assert_eq!(messages(&peer), ["before", "meanwhile", "after"]);
        assert_eq!(messages(&late), ["meanwhile"]);
    })
    .await;
}

#[tokio::test]
async fn servers_that_arent_spoken_with_are_told_nothing() {
    use rohrpost_core::federation::{Federation, Partners};
    let neighbours = Neighbours::new();
    let (peer, stranger) = (
        neighbours.stranger_at("127.0.0.2").await,
        neighbours.stranger_at("127.0.0.2").await,
    );
    let listed = Partners::Listed([peer.name().to_owned()].into());
    let server = neighbours
        .with(|settings| {
            settings.federation = Federation {
                partners: listed,
                address: None,
            };
        })
        .sqlite()
        .await;
    let (alice, room) = shared_room(&server, &peer).await;
    stranger.seat(&server, &room, "eva").await;
    alice.send_text(&room, "one").await;
    let path = "/_matrix/client/v3/sendToDevice/m.dummy/1";
    let body = json!({ "messages": { (stranger.user("eva").as_str()): { "*": {} } } });
    assert_eq!(alice.put(path, body).await.0, 200);
    server.tell_servers().await;
    assert_eq!((messages(&peer).len(), stranger.requests().len()), (1, 0));
    server.close().await;
}

#[tokio::test]
async fn a_join_that_was_handed_over_is_told_to_the_others_and_not_to_who_joined() {
    let neighbours = Neighbours::new();
    let (server, joining) = (neighbours.sqlite().await, neighbours.sqlite().await);
    let peer = neighbours.stranger().await;
    let (_, room) = shared_room(&server, &peer).await;
    let bob = joining.user("bob").await;
    let speaker = rohrpost_testkit::Peer::of(&joining).await;
    speaker.join(&server, &room, &bob.id).await;
    server.tell_servers().await;
    let sent = peer.transactions();
    assert_eq!(sent.len(), 1);
    let pdu = &sent[0].list("pdus")[0];
    assert_eq!(
        (&pdu["sender"], &pdu["content"]["membership"]),
        (&json!(bob.id), &json!("join"))
    );
    let core = server.core();
    let reading = core
        .store
        .read(|tx| Box::pin(async move { tx.outbox_destinations(10).await }));
    assert!(reading.await.expect("the store works").is_empty());
    drop(core);
    server.close().await;
    joining.close().await;
}
