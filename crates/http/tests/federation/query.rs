//! What servers look up at each other for their people.

use rohrpost_testkit::{Neighbours, enc};
use serde_json::json;

use crate::pairs;

#[tokio::test]
async fn somebody_elsewhere_is_shown_with_name_and_picture() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let path = format!("/_matrix/client/v3/profile/{}", enc(berta.id.as_str()));
        for (field, value) in [
            ("displayname", "Berta Beispiel"),
            ("avatar_url", "mxc://b.example/berta"),
            ("org.example.room", "2.17"),
        ] {
            let (status, answer) = berta
                .put(&format!("{path}/{field}"), json!({ field: value }))
                .await;
            assert_eq!(status, 200, "{answer}");
        }
        let (status, profile) = anna.get(&path).await;
        assert_eq!(status, 200, "{profile}");
        assert_eq!(
            profile,
            json!({
                "displayname": "Berta Beispiel", "avatar_url": "mxc://b.example/berta", "org.example.room": "2.17",
            })
        );
        let (status, name) = anna.get(&format!("{path}/displayname")).await;
        assert_eq!((status, name), (200, json!({ "displayname": "Berta Beispiel" })));
    })
    .await;
}

#[tokio::test]
async fn nobody_elsewhere_is_not_found() {
    pairs(async |one, other| {
        let anna = one.user("anna").await;
        let nobody = format!(
            "/_matrix/client/v3/profile/{}",
            enc(&format!("@nobody:{}", other.name()))
        );
        let (status, answer) = anna.get(&nobody).await;
        assert_eq!(
            (status, &answer["errcode"]),
            (404, &json!("M_NOT_FOUND")),
            "{answer}"
        );
        // Who isn't signed in doesn't make this server ask others.
        let berta = other.user("berta").await;
        let path = format!("/_matrix/client/v3/profile/{}", enc(berta.id.as_str()));
        assert_eq!(one.get(&path, None).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_down_is_said_to_be() {
    let neighbours = Neighbours::new();
    let (one, other) = (neighbours.sqlite().await, neighbours.sqlite().await);
    let (anna, berta) = (one.user("anna").await, other.user("berta").await);
    let path = format!("/_matrix/client/v3/profile/{}", enc("@x:127.0.0.1:1"));
    let (status, answer) = anna.get(&path).await;
    assert_eq!(
        (status, &answer["errcode"]),
        (502, &json!("M_UNKNOWN")),
        "{answer}"
    );
    // A restart in between is no obstacle: connections that were kept are made anew.
    let path = format!("/_matrix/client/v3/profile/{}", enc(berta.id.as_str()));
    assert_eq!(anna.get(&path).await.0, 200);
    other.restart().await;
    assert_eq!(anna.get(&path).await.0, 200);
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn an_alias_of_another_server_leads_to_its_room() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let room = berta
            .create_room(json!({ "preset": "public_chat", "room_alias_name": "kantine" }))
            .await;
        let alias = format!("#kantine:{}", other.name());
        let path = format!("/_matrix/client/v3/directory/room/{}", enc(&alias));
        let (status, found) = anna.get(&path).await;
        assert_eq!(
            (status, found),
            (200, json!({ "room_id": room, "servers": [other.name()] }))
        );
        let path = path.replace("kantine", "keller");
        assert_eq!(anna.get(&path).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn public_rooms_of_another_server_are_listed_and_searched() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        for name in ["Kantine", "Fuhrpark"] {
            let body = json!({ "preset": "public_chat", "visibility": "public", "name": name });
            berta.create_room(body).await;
        }
        let path = format!(
            "/_matrix/client/v3/publicRooms?server={}",
            enc(other.name().as_str())
        );
        let (status, list) = anna.get(&format!("{path}&limit=1")).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(
            (
                list["chunk"].as_array().map(Vec::len),
                &list["total_room_count_estimate"]
            ),
            (Some(1), &json!(2))
        );
        let next = list["next_batch"].as_str().expect("more");
        let (_, rest) = anna.get(&format!("{path}&since={}", enc(next))).await;
        assert_ne!(rest["chunk"][0]["room_id"], list["chunk"][0]["room_id"]);
        let filter = json!({ "filter": { "generic_search_term": "fuhr" } });
        let (status, found) = anna.post(&path, filter).await;
        assert_eq!(
            (status, &found["chunk"][0]["name"]),
            (200, &json!("Fuhrpark")),
            "{found}"
        );
        assert_eq!(found["chunk"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn an_openid_token_says_whose_it_is() {
    let server = Neighbours::new().sqlite().await;
    let anna = server.user("anna").await;
    let path = format!(
        "/_matrix/client/v3/user/{}/openid/request_token",
        enc(anna.id.as_str())
    );
    let (_, token) = anna.post(&path, json!({})).await;
    let ask = |token: &str| {
        format!(
            "/_matrix/federation/v1/openid/userinfo?access_token={}",
            enc(token)
        )
    };
    let token = token["access_token"].as_str().expect("a token");
    let (status, owner) = server.get(&ask(token), None).await;
    assert_eq!((status, owner), (200, json!({ "sub": anna.id })));
    let (status, refused) = server.get(&ask("x"), None).await;
    assert_eq!((status, &refused["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
    // An access token is no OpenID token.
    assert_eq!(server.get(&ask(&anna.token), None).await.0, 401);
    server.close().await;
}
