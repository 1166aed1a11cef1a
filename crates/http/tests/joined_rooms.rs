//! Which rooms somebody is in.

use rohrpost_testkit::TestServer;
use serde_json::json;

#[tokio::test]
async fn the_rooms_that_somebody_is_in_are_told_to_them_alone() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let path = "/_matrix/client/v3/joined_rooms";
        assert_eq!(alice.get(path).await, (200, json!({ "joined_rooms": [] })));
        let room = alice.create_room(json!({})).await;
        alice.invite(&room, &bob).await;
        for _ in 0..2 {
            assert_eq!(alice.get(path).await, (200, json!({ "joined_rooms": [room] })));
        }
        assert_eq!(
            bob.get(path).await,
            (200, json!({ "joined_rooms": [] })),
            "an invitation is no membership"
        );
        bob.join(&room).await;
        assert_eq!(bob.get(path).await, (200, json!({ "joined_rooms": [room] })));
        bob.leave(&room).await;
        assert_eq!(bob.get(path).await, (200, json!({ "joined_rooms": [] })));
        let (status, answer) = server.get(path, None).await;
        assert_eq!((status, &answer["errcode"]), (401, &json!("M_MISSING_TOKEN")));
    })
    .await;
}
