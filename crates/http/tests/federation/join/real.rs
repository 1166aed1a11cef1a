//! Rooms between two servers of our own.

use rohrpost_testkit::{Neighbours, TestServer, enc};
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
