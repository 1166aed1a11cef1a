//! Events that stand before others and weren't sent.

use rohrpost_room::Pdu;
use serde_json::{Value, json};

use super::shared;

fn value(pdu: &Pdu) -> Value {
    serde_json::from_str(pdu.json()).expect("JSON")
}

#[tokio::test]
async fn missing_events_are_fetched_from_the_server_that_sent_the_last() {
    shared(async |mut shared| {
        let first = shared.room.text(&shared.boris, "one");
        let second = shared.room.text(&shared.boris, "two");
        let third = shared.room.text(&shared.boris, "three");
        let other = shared.room.clone().text(&shared.boris, "not asked for");
        shared.stranger.answers(
            "POST /_matrix/federation/v1/get_missing_events/",
            json!({ "events": [value(&second), value(&other), value(&first)] }),
        );
        shared.send("t1", &[&third]).await;
        assert_eq!(shared.texts().await, ["one", "two", "three"]);
        let asked = shared
            .stranger
            .asked("POST /_matrix/federation/v1/get_missing_events/");
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].1["latest_events"], json!([third.event_id()]));
        assert!(!shared.sees(other.event_id()).await);
    })
    .await;
}

#[tokio::test]
async fn where_a_gap_remains_the_state_there_is_fetched() {
    shared(async |mut shared| {
        let clara = shared.stranger.user("clara");
        let joined = shared.room.member(&clara, &clara, "join");
        let lost = shared.room.text(&clara, "lost");
        let at_lost = shared.room.state.clone();
        let found = shared.room.text(&clara, "found");
        let ids: Vec<_> = at_lost.values().map(|pdu| pdu.event_id()).collect();
        let chain: Vec<_> = shared
            .room
            .auth_chain()
            .iter()
            .map(|pdu| pdu.event_id().to_owned())
            .collect();
        shared.stranger.answers(
            "GET /_matrix/federation/v1/state_ids/",
            json!({ "pdu_ids": ids, "auth_chain_ids": chain }),
        );
        for event in [&joined, &lost] {
            let id = rohrpost_testkit::enc(event.event_id().as_str());
            let answer = json!({ "origin": "x.example", "origin_server_ts": 1, "pdus": [value(event)] });
            // Ids are written as they are in paths, or escaped.
            shared
                .stranger
                .answers(&format!("GET /_matrix/federation/v1/event/{id}"), answer.clone());
            shared.stranger.answers(
                &format!("GET /_matrix/federation/v1/event/{}", event.event_id()),
                answer,
            );
        }
        shared.send("t1", &[&found]).await;
        assert_eq!(shared.texts().await, ["found"]);
        assert!(
            !shared.sees(lost.event_id()).await,
            "it has no place in the timeline"
        );
        assert_eq!(shared.state("m.room.member", &clara).await["membership"], "join");
        // When it comes after all, it gets one.
        shared.send("t2", &[&lost]).await;
        assert_eq!(shared.texts().await, ["found", "lost"]);
        shared.anna.send_text(&shared.room_id, "next").await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_taken_that_wasnt_named() {
    shared(async |mut shared| {
        let lost = shared.room.text(&shared.boris, "lost");
        let state = shared.room.state.clone();
        let found = shared.room.text(&shared.boris, "found");
        // The state has more than the ids named.
        let clara = shared.stranger.user("clara");
        let injected = shared.room.clone().member(&clara, &clara, "join");
        let ids: Vec<_> = state.values().map(|pdu| pdu.event_id()).collect();
        shared.stranger.answers(
            "GET /_matrix/federation/v1/state_ids/",
            json!({ "pdu_ids": ids, "auth_chain_ids": [] }),
        );
        shared.stranger.answers(
            "GET /_matrix/federation/v1/state/",
            json!({ "pdus": [value(&injected)], "auth_chain": [] }),
        );
        shared.stranger.answers(
            "GET /_matrix/federation/v1/event/",
            json!({ "origin": "x.example", "origin_server_ts": 1, "pdus": [value(&lost)] }),
        );
        shared.send("t1", &[&found]).await;
        assert_eq!(shared.texts().await, ["found"]);
        let (status, _) = shared
            .anna
            .get(&shared.path(&format!("state/m.room.member/{}", rohrpost_testkit::enc(&clara))))
            .await;
        assert_eq!(status, 404);
    })
    .await;
}

#[tokio::test]
async fn what_cant_be_had_isnt_asked_for_again_and_again() {
    shared(async |mut shared| {
        shared.room.text(&shared.boris, "lost");
        let found = shared.room.text(&shared.boris, "found");
        for txn in ["t1", "t2", "t3"] {
            let answer = shared.stranger.send(&shared.server, txn, &[&found]).await;
            assert_ne!(answer[found.event_id().as_str()], json!({}), "{answer}");
        }
        assert_eq!(
            shared
                .stranger
                .asked("GET /_matrix/federation/v1/state_ids/")
                .len(),
            1
        );
        assert_eq!(shared.texts().await, [""; 0]);
        shared.anna.send_text(&shared.room_id, "undisturbed").await;
    })
    .await;
}

#[tokio::test]
async fn what_the_sender_cant_give_another_server_of_the_room_may() {
    let neighbours = rohrpost_testkit::Neighbours::new();
    let server = neighbours.sqlite().await;
    let create = json!({ "preset": "public_chat" });
    let mut shared = super::Shared::on(server.clone(), neighbours.stranger().await, create).await;
    let other = neighbours.stranger().await;
    let clara = other.user("clara");
    let mut room = other.room_of(&server, &shared.room_id).await;
    let joined = room.member(&clara, &clara, "join");
    other.send(&server, "join", &[&joined]).await;
    shared.room.put(&joined);
    let lost = shared.room.text(&shared.boris, "lost");
    let found = shared.room.text(&shared.boris, "found");
    // Who sends it doesn't give what stands before; whoever does so later is asked all the same.
    let answer = json!({ "events": [value(&lost)] });
    other.answers("POST /_matrix/federation/v1/get_missing_events/", answer);
    shared.send("t1", &[&found]).await;
    assert_eq!(shared.texts().await, ["lost", "found"]);
    server.close().await;
}
