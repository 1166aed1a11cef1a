//! Names and pictures of people.

use rohrpost_testkit::{TestServer, enc};
use serde_json::json;

use crate::uia::refusal;

fn path(user: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/profile/{}{rest}", enc(user))
}

#[tokio::test]
async fn people_have_a_name_and_a_picture() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let id = erika.id.as_str();
        assert_eq!(
            server.get(&path(id, "/displayname"), None).await,
            (200, json!({ "displayname": "erika" }))
        );
        assert_eq!(server.get(&path(id, "/avatar_url"), None).await, (200, json!({})));
        for _ in 0..2 {
            let answer = erika
                .put(
                    &path(id, "/displayname"),
                    json!({ "displayname": "Erika Musterfrau" }),
                )
                .await;
            assert_eq!(answer, (200, json!({})));
        }
        let picture = json!({ "avatar_url": "mxc://test.example/abc" });
        assert_eq!(erika.put(&path(id, "/avatar_url"), picture.clone()).await.0, 200);
        assert_eq!(server.get(&path(id, "/avatar_url"), None).await, (200, picture));
        let (_, profile) = server.get(&path(id, ""), None).await;
        assert_eq!(
            profile,
            json!({ "displayname": "Erika Musterfrau", "avatar_url": "mxc://test.example/abc" })
        );
        assert_eq!(
            erika
                .put(&path(id, "/avatar_url"), json!({ "avatar_url": "" }))
                .await
                .0,
            200
        );
        assert_eq!(erika.delete(&path(id, "/displayname")).await.0, 200);
        assert_eq!(server.get(&path(id, ""), None).await, (200, json!({})));
    })
    .await;
}

#[tokio::test]
async fn the_same_name_again_finishes_what_a_broken_off_request_left() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let room = erika.create_room(json!({ "preset": "private_chat" })).await;
        let member = format!(
            "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
            enc(&room),
            enc(erika.id.as_str())
        );
        // As if the request had ended before it came to this room.
        let old = json!({ "membership": "join", "displayname": "before" });
        assert_eq!(erika.put(&member, old).await.0, 200);
        for _ in 0..2 {
            let name = json!({ "displayname": "erika" });
            let answer = erika.put(&path(erika.id.as_str(), "/displayname"), name).await;
            assert_eq!(answer, (200, json!({})));
            let (_, content) = erika.get(&member).await;
            assert_eq!(content, json!({ "membership": "join", "displayname": "erika" }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_name_reaches_the_rooms() {
    TestServer::each(async |server| {
        let erika = server.user("erika").await;
        let room = erika.create_room(json!({ "preset": "private_chat" })).await;
        erika
            .put(
                &path(erika.id.as_str(), "/displayname"),
                json!({ "displayname": "Frau M." }),
            )
            .await;
        let member = format!(
            "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
            enc(&room),
            enc(erika.id.as_str())
        );
        let (_, content) = erika.get(&member).await;
        assert_eq!(content["displayname"], "Frau M.", "{content}");
    })
    .await;
}

#[tokio::test]
async fn refuses_what_is_not_ones_own_or_not_there() {
    let server = TestServer::sqlite().await;
    let (erika, max) = (server.user("erika").await, server.user("max").await);
    let name = json!({ "displayname": "x" });
    for user in [max.id.as_str(), "@nobody:test.example", "@max:other.example"] {
        let answer = erika.put(&path(user, "/displayname"), name.clone()).await;
        assert_eq!(refusal(answer), (403, "M_FORBIDDEN".into()), "{user}");
        assert_eq!(
            refusal(erika.delete(&path(user, "/displayname")).await),
            (403, "M_FORBIDDEN".into()),
            "{user}"
        );
    }
    for user in ["@nobody:test.example", "@max:other.example"] {
        for rest in ["", "/displayname", "/avatar_url"] {
            assert_eq!(
                refusal(server.get(&path(user, rest), None).await),
                (404, "M_NOT_FOUND".into()),
                "{user}{rest}"
            );
        }
    }
    let id = erika.id.as_str();
    assert_eq!(
        refusal(server.put(&path(id, "/displayname"), None, name).await),
        (401, "M_MISSING_TOKEN".into())
    );
    for (rest, body, errcode) in [
        (
            "/displayname",
            json!({ "displayname": "x".repeat(256) }),
            "M_INVALID_PARAM",
        ),
        ("/displayname", json!({ "displayname": 5 }), "M_BAD_JSON"),
        ("/displayname", json!({}), "M_MISSING_PARAM"),
        (
            "/avatar_url",
            json!({ "avatar_url": "https://test.example/a.png" }),
            "M_INVALID_PARAM",
        ),
    ] {
        assert_eq!(
            refusal(erika.put(&path(id, rest), body.clone()).await),
            (400, errcode.into()),
            "{body}"
        );
    }
    assert_eq!(
        refusal(server.get(&path(id, "/m.tz"), None).await),
        (404, "M_NOT_FOUND".into())
    );
    assert_eq!(refusal(server.get(&path("nonsense", ""), None).await).0, 400);
}
