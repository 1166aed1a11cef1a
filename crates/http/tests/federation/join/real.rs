//! Rooms between two servers of our own.

use rohrpost_testkit::{Neighbours, TestServer, User, enc};
use serde_json::json;

/// Two servers: the one that joins on both engines.
async fn pairs(test: impl AsyncFn(TestServer, TestServer)) {
    let neighbours = Neighbours::new();
    let (one, other) = (neighbours.sqlite().await, neighbours.sqlite().await);
    test(one.clone(), other.clone()).await;
    one.close().await;
    other.close().await;
    if let Some(one) = neighbours.postgres().await {
        let other = neighbours.sqlite().await;
        test(one.clone(), other.clone()).await;
        one.close().await;
        other.close().await;
    }
}

#[tokio::test]
async fn an_alias_of_another_server_leads_into_its_room() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        for version in ["10", "11", "12"] {
            let room = berta
                .create_room(json!({
                    "preset": "public_chat", "room_version": version, "name": "Market",
                    "room_alias_name": format!("market{version}"),
                }))
                .await;
            let alias = format!("#market{version}:{}", other.name());
            let path = format!("/_matrix/client/v3/join/{}", enc(&alias));
            let (status, answer) = anna.post(&path, json!({})).await;
            assert_eq!((status, &answer["room_id"]), (200, &json!(room)), "{answer}");
            for user in [&anna, &berta] {
                let path = format!("/_matrix/client/v3/rooms/{}/joined_members", enc(&room));
                let (_, members) = user.get(&path).await;
                assert_eq!(
                    members["joined"].as_object().expect("members").len(),
                    2,
                    "{members}"
                );
            }
            anna.leave(&room).await;
            let (status, answer) = anna
                .post(&format!("/_matrix/client/v3/join/{}", enc(&alias)), json!({}))
                .await;
            assert_eq!(status, 200, "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_room_that_isnt_public_is_not_entered() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let room = berta.create_room(json!({ "preset": "private_chat" })).await;
        let path = format!(
            "/_matrix/client/v3/join/{}?via={}",
            enc(&room),
            enc(other.name().as_str())
        );
        let (status, answer) = anna.post(&path, json!({})).await;
        assert!(matches!(status, 403 | 404), "{answer}");
        let sync = anna.sync(None).await;
        assert_eq!(
            sync["rooms"]["join"].as_object().map_or(0, serde_json::Map::len),
            0
        );
    })
    .await;
}

#[tokio::test]
async fn two_who_join_at_the_same_time_are_both_there() {
    pairs(async |one, other| {
        let (anna, anton, berta) = (
            one.user("anna").await,
            one.user("anton").await,
            other.user("berta").await,
        );
        let room = berta.create_room(json!({ "preset": "public_chat" })).await;
        let path = format!(
            "/_matrix/client/v3/join/{}?via={}",
            enc(&room),
            enc(other.name().as_str())
        );
        let (first, second) = tokio::join!(anna.post(&path, json!({})), anton.post(&path, json!({})));
        assert_eq!((first.0, second.0), (200, 200), "{} {}", first.1, second.1);
        let path = format!("/_matrix/client/v3/rooms/{}/joined_members", enc(&room));
        let (_, members) = anna.get(&path).await;
        assert_eq!(
            members["joined"].as_object().expect("members").len(),
            3,
            "{members}"
        );
    })
    .await;
}

#[tokio::test]
async fn members_of_another_room_are_let_in_by_whoever_may() {
    pairs(async |one, other| {
        let (anna, anton, berta) = (
            one.user("anna").await,
            one.user("anton").await,
            other.user("berta").await,
        );
        let mut clubs = Vec::new();
        for _ in 0..2 {
            clubs.push(berta.create_room(json!({ "preset": "public_chat" })).await);
        }
        let allow = clubs
            .iter()
            .map(|club| json!({ "type": "m.room_membership", "room_id": club }));
        let restricted = json!({ "join_rule": "restricted", "allow": allow.collect::<Vec<_>>() });
        let hall = berta
            .create_room(json!({
                "preset": "private_chat", "power_level_content_override": { "invite": 50 },
                "initial_state": [{ "type": "m.room.join_rules", "state_key": "", "content": restricted }],
            }))
            .await;
        let join = |room: &str| {
            let via = enc(other.name().as_str());
            format!("/_matrix/client/v3/join/{}?via={via}", enc(room))
        };
        let (status, answer) = anton.post(&join(&hall), json!({})).await;
        assert_eq!(status, 403, "{answer}");
        // Each in one of the rooms, so that the other server hears of both.
        for (user, club) in [&anton, &anna].into_iter().zip(&clubs) {
            assert_eq!(user.post(&join(club), json!({})).await.0, 200);
            // The first brings the room; for the second it is here, and nobody here may let her in.
            let (status, answer) = user.post(&join(&hall), json!({})).await;
            assert_eq!(status, 200, "{answer}");
        }
        for user in [&anna, &berta] {
            let path = format!("/_matrix/client/v3/rooms/{}/joined_members", enc(&hall));
            let (_, members) = user.get(&path).await;
            assert_eq!(
                members["joined"].as_object().expect("members").len(),
                3,
                "{members}"
            );
        }
    })
    .await;
}

/// All texts of a room as somebody reads them who pages back to its beginning, oldest first.
async fn whole_history(user: &User, room: &str) -> Vec<String> {
    let (mut texts, mut from) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=30{from}",
            enc(room)
        );
        let (status, page) = user.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let events = page["chunk"].as_array().expect("events");
        let bodies = events
            .iter()
            .filter_map(|event| event["content"]["body"].as_str());
        texts.extend(bodies.map(str::to_owned));
        let Some(end) = page["end"].as_str() else {
            texts.reverse();
            return texts;
        };
        from = format!("&from={}", enc(end));
    }
}

#[tokio::test]
async fn what_was_said_before_and_meanwhile_is_fetched_by_whoever_reads_back() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let room = berta.create_room(json!({ "preset": "public_chat" })).await;
        let mut said = Vec::new();
        for number in 1..=150 {
            let text = format!("before {number}");
            berta.send_text(&room, &text).await;
            said.push(text);
        }
        let join = format!(
            "/_matrix/client/v3/join/{}?via={}",
            enc(&room),
            enc(other.name().as_str())
        );
        assert_eq!(anna.post(&join, json!({})).await.0, 200);
        let sync = anna.sync(None).await;
        assert_eq!(sync["rooms"]["join"][&room]["timeline"]["limited"], true);
        assert_eq!(whole_history(&anna, &room).await, said);
        // Nothing of it is news.
        let since = sync["next_batch"].as_str().expect("a position");
        let later = anna.sync(Some(since)).await;
        assert!(later["rooms"]["join"][&room].is_null(), "{later}");

        // Once more, for what happened while nobody of this server was there.
        anna.leave(&room).await;
        for number in 1..=20 {
            let text = format!("meanwhile {number}");
            berta.send_text(&room, &text).await;
            said.push(text);
        }
        let elsewhere = one.user("anton").await;
        for _ in 0..30 {
            elsewhere.create_room(json!({})).await;
        }
        assert_eq!(anna.post(&join, json!({})).await.0, 200);
        assert_eq!(whole_history(&anna, &room).await, said);
        // Read again, without asking anybody.
        other.close().await;
        assert_eq!(whole_history(&anna, &room).await, said);
    })
    .await;
}
