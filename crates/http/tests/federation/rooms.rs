//! What other servers may read of rooms.

use std::collections::BTreeSet;

use rohrpost_testkit::{Neighbours, Peer, TestServer, User, enc};
use serde_json::{Value, json};

use crate::pairs;

const API: &str = "/_matrix/federation/v1";

/// Anna's room on `one`, which Berta of `other` came into after one message.
struct Shared {
    anna: User,
    peer: Peer,
    room: String,
    before: String,
    after: String,
}

impl Shared {
    async fn new(one: &TestServer, other: &TestServer, body: Value) -> Self {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let room = anna.create_room(body).await;
        let before = anna.send_text(&room, "before").await;
        let peer = Peer::of(other).await;
        peer.join(one, &room, &berta.id).await;
        let after = anna.send_text(&room, "after").await;
        Self {
            anna,
            peer,
            room,
            before,
            after,
        }
    }

    fn room(&self, endpoint: &str) -> String {
        format!("{API}/{endpoint}/{}", enc(&self.room))
    }
}

fn public() -> Value {
    json!({ "preset": "public_chat" })
}

fn ids(value: &Value) -> BTreeSet<String> {
    let ids = value.as_array().expect("a list").iter();
    ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

fn types(value: &Value) -> Vec<&str> {
    let events = value.as_array().expect("a list").iter();
    events
        .map(|event| event["type"].as_str().expect("a type"))
        .collect()
}

fn bodies(value: &Value) -> Vec<Option<&str>> {
    let events = value.as_array().expect("a list").iter();
    let messages = events.filter(|event| event["type"] == "m.room.message");
    messages.map(|event| event["content"]["body"].as_str()).collect()
}

/// Every question about a room that names an event of it.
fn questions(room: &str, event: &str) -> [(&'static str, String, Option<Value>); 6] {
    let (room, id) = (enc(room), enc(event));
    [
        ("GET", format!("{API}/event/{id}"), None),
        ("GET", format!("{API}/state/{room}?event_id={id}"), None),
        ("GET", format!("{API}/state_ids/{room}?event_id={id}"), None),
        ("GET", format!("{API}/event_auth/{room}/{id}"), None),
        ("GET", format!("{API}/backfill/{room}?limit=10&v={id}"), None),
        (
            "POST",
            format!("{API}/get_missing_events/{room}"),
            Some(json!({ "earliest_events": [], "latest_events": [event] })),
        ),
    ]
}

#[tokio::test]
async fn a_server_in_a_room_reads_its_events_and_states() {
    pairs(async |one, other| {
        let shared = Shared::new(&one, &other, public()).await;
        let peer = &shared.peer;
        let (status, told) = peer
            .get(&one, &format!("{API}/event/{}", enc(&shared.after)))
            .await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(
            (&told["origin"], bodies(&told["pdus"])),
            (&json!(one.name()), vec![Some("after")])
        );

        let at = format!("?event_id={}", enc(&shared.after));
        let (status, state) = peer.get(&one, &format!("{}{at}", shared.room("state"))).await;
        assert_eq!(status, 200, "{state}");
        let members = types(&state["pdus"]);
        assert_eq!(members.iter().filter(|kind| **kind == "m.room.member").count(), 2);
        assert!(members.contains(&"m.room.create") && !members.contains(&"m.room.message"));
        let (_, state_ids) = peer.get(&one, &format!("{}{at}", shared.room("state_ids"))).await;
        assert_eq!(ids(&state_ids["pdu_ids"]).len(), members.len());
        // Before Berta there was one member less.
        let at = format!("?event_id={}", enc(&shared.before));
        let (_, earlier) = peer.get(&one, &format!("{}{at}", shared.room("state_ids"))).await;
        assert_eq!(ids(&earlier["pdu_ids"]).len(), members.len() - 1);
        assert!(ids(&earlier["pdu_ids"]).is_subset(&ids(&state_ids["pdu_ids"])));

        let path = format!("{}/{}", shared.room("event_auth"), enc(&shared.after));
        let (status, chain) = peer.get(&one, &path).await;
        assert_eq!(status, 200, "{chain}");
        let kinds: BTreeSet<_> = types(&chain["auth_chain"]).into_iter().collect();
        let expected = [
            "m.room.create",
            "m.room.join_rules",
            "m.room.member",
            "m.room.power_levels",
        ];
        assert!(
            kinds.is_subset(&expected.into()) && kinds.contains("m.room.create"),
            "{kinds:?}"
        );

        let path = format!("{}?dir=b&ts=99999999999999", shared.room("timestamp_to_event"));
        let (_, newest) = peer.get(&one, &path).await;
        assert_eq!(newest["event_id"], json!(shared.after));
    })
    .await;
}

#[tokio::test]
async fn history_is_walked_from_the_events_that_are_named() {
    pairs(async |one, other| {
        let shared = Shared::new(&one, &other, public()).await;
        let mut last = String::new();
        for number in 0..150 {
            last = shared.anna.send_text(&shared.room, &number.to_string()).await;
        }
        let back = |limit: u64, from: &str| format!("{}?limit={limit}&v={}", shared.room("backfill"), enc(from));
        let (status, told) = shared.peer.get(&one, &back(3, &last)).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(bodies(&told["pdus"]), [Some("149"), Some("148"), Some("147")]);
        // However many are wanted.
        let (_, told) = shared.peer.get(&one, &back(1_000_000_000, &last)).await;
        assert_eq!(told["pdus"].as_array().map(Vec::len), Some(100));
        let (_, told) = shared.peer.get(&one, &back(100, &shared.after)).await;
        assert_eq!(types(&told["pdus"]).last(), Some(&"m.room.create"));

        let missing = |earliest: &str, limit: u64| {
            json!({ "earliest_events": [earliest], "latest_events": [last], "limit": limit })
        };
        let path = shared.room("get_missing_events");
        let (status, told) = shared.peer.post(&one, &path, missing(&shared.after, 3)).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(bodies(&told["events"]), [Some("146"), Some("147"), Some("148")]);
        let (_, told) = shared.peer.post(&one, &path, missing(&shared.before, 1_000_000_000)).await;
        assert_eq!(told["events"].as_array().map(Vec::len), Some(50));
        let (_, told) = shared
            .peer
            .post(
                &one,
                &path,
                json!({ "earliest_events": [shared.before], "latest_events": [shared.after], "limit": 50 }),
            )
            .await;
        assert_eq!(types(&told["events"]), ["m.room.member"], "between the two came Berta alone");
        let latest: Vec<_> = (0..100_000).map(|number| format!("$unknown{number}")).collect();
        let many = json!({ "earliest_events": latest, "latest_events": latest, "limit": 10 });
        assert_eq!(shared.peer.post(&one, &path, many).await, (200, json!({ "events": [] })));
    })
    .await;
}

#[tokio::test]
async fn an_event_of_another_room_is_as_one_that_is_not_there() {
    pairs(async |one, other| {
        let shared = Shared::new(&one, &other, public()).await;
        let secret = shared.anna.create_room(json!({ "preset": "private_chat" })).await;
        let event = shared.anna.send_text(&secret, "secret").await;
        let unknown = format!("${}", "u".repeat(43));
        for (foreign, absent) in questions(&shared.room, &event)
            .into_iter()
            .zip(questions(&shared.room, &unknown))
        {
            let foreign = shared.peer.ask(&one, foreign.0, &foreign.1, foreign.2).await;
            let absent = shared.peer.ask(&one, absent.0, &absent.1, absent.2).await;
            let texts = [foreign.1.to_string(), absent.1.to_string()];
            assert!(!texts.iter().any(|text| text.contains("secret")), "{texts:?}");
            match foreign.1.get("origin_server_ts") {
                Some(_) => assert_eq!(foreign.1["pdus"], absent.1["pdus"]),
                None => assert_eq!(foreign, absent),
            }
            assert!(matches!(foreign.0, 404 | 200), "{foreign:?}");
        }
        // Nor does a room tell that it is there.
        let nowhere = "!nowhere:test.example";
        for (there, absent) in questions(&secret, &event)
            .into_iter()
            .zip(questions(nowhere, &event))
        {
            let there = shared.peer.ask(&one, there.0, &there.1, there.2).await;
            let absent = shared.peer.ask(&one, absent.0, &absent.1, absent.2).await;
            assert_eq!(there, absent);
            assert!(matches!(there.0, 403 | 404), "{there:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_before_a_server_came_is_told_without_its_content_where_history_is_for_members() {
    pairs(async |one, other| {
        let mut body = public();
        body["initial_state"] = json!([{
            "type": "m.room.history_visibility", "state_key": "", "content": { "history_visibility": "joined" },
        }]);
        let shared = Shared::new(&one, &other, body).await;
        let path = format!("{}?limit=10&v={}", shared.room("backfill"), enc(&shared.after));
        let (status, told) = shared.peer.get(&one, &path).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(bodies(&told["pdus"]), [Some("after"), None]);
        let before = format!("{API}/event/{}", enc(&shared.before));
        assert_eq!(shared.peer.get(&one, &before).await.0, 404);
        let path = format!("{}?dir=f&ts=1", shared.room("timestamp_to_event"));
        let (_, first) = shared.peer.get(&one, &path).await;
        assert_ne!(first["event_id"], json!(shared.before));
        // Who leaves sees nothing any more.
        let (_, created) = shared.peer.get(&one, &format!("{API}/event/{}", enc(&shared.after))).await;
        assert_eq!(bodies(&created["pdus"]), [Some("after")]);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_a_room_keeps_out_reads_nothing() {
    let neighbours = Neighbours::new();
    for one in [Some(neighbours.sqlite().await), neighbours.postgres().await] {
        let Some(one) = one else { return };
        let other = neighbours.elsewhere().await;
        let shared = Shared::new(&one, &other, public()).await;
        let acl = json!({ "allow": ["*"], "deny": ["localhost"], "allow_ip_literals": true });
        shared
            .anna
            .set_state(&shared.room, "m.room.server_acl", "", acl)
            .await;
        for (method, path, body) in questions(&shared.room, &shared.after) {
            let (status, told) = shared.peer.ask(&one, method, &path, body).await;
            let expected = if path.contains("/event/") { 404 } else { 403 };
            assert_eq!(status, expected, "{path} {told}");
        }
        one.close().await;
        other.close().await;
    }
}
