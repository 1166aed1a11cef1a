//! Presence, where the operator switched it on.

use std::time::Duration;

use rohrpost_core::upkeep::upkeep;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn path(user: &User) -> String {
    format!("/_matrix/client/v3/presence/{}/status", enc(user.id.as_str()))
}

/// What a sync tells of somebody.
fn told(answer: &Value, user: &User) -> Option<Value> {
    let events = answer["presence"]["events"].as_array()?;
    let event = events.iter().find(|event| event["sender"] == user.id.as_str())?;
    assert_eq!(event["type"], "m.presence");
    Some(event["content"].clone())
}

fn token(answer: &Value) -> String {
    answer["next_batch"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn people_in_the_same_room_see_who_comes_and_goes_and_strangers_see_nothing() {
    TestServer::with(|settings| settings.presence = true)
        .each(async |server| {
            let (alice, bob, carol) = (
                server.user("alice").await,
                server.user("bob").await,
                server.user("carol").await,
            );
            let room = alice.create_room(json!({ "invite": [bob.id] })).await;
            bob.join(&room).await;
            let first = alice.sync(None).await;
            assert_eq!(told(&first, &bob), None, "nobody heard of him yet");
            let own = told(&alice.sync(None).await, &alice).expect("herself");
            assert_eq!(own["presence"], "online");

            bob.sync(None).await;
            let second = alice.sync(Some(&token(&first))).await;
            let seen = told(&second, &bob).expect("bob came");
            assert_eq!(
                (&seen["presence"], &seen["currently_active"]),
                (&json!("online"), &json!(true))
            );
            let third = alice.sync(Some(&token(&second))).await;
            assert_eq!(told(&third, &bob), None, "it is told once");

            let body = json!({ "presence": "unavailable", "status_msg": "Sprechstunde" });
            assert_eq!(bob.put(&path(&bob), body).await.0, 200);
            server.clock().advance(Duration::from_secs(30));
            let (_, found) = alice.get(&path(&bob)).await;
            assert_eq!(
                found,
                json!({ "presence": "unavailable", "status_msg": "Sprechstunde", "currently_active": false,
                    "last_active_ago": 30_000 })
            );
            let stranger = carol.get(&path(&bob)).await;
            assert_eq!(stranger.0, 403);
            assert_eq!(
                stranger,
                carol
                    .get("/_matrix/client/v3/presence/%40nobody:test.example/status")
                    .await
            );
            assert_eq!(told(&carol.sync(None).await, &bob), None);

            let before = token(&alice.sync(None).await);
            server.clock().advance(Duration::from_secs(300));
            upkeep(&server.core()).await.expect("the store works");
            let gone = told(&alice.sync(Some(&before)).await, &bob).expect("bob went");
            assert_eq!(
                (&gone["presence"], &gone["status_msg"]),
                (&json!("offline"), &json!("Sprechstunde"))
            );
        })
        .await;
}

#[tokio::test]
async fn a_sync_that_wants_to_be_unseen_is_and_a_filter_leaves_presence_out() {
    TestServer::with(|settings| settings.presence = true)
        .each(async |server| {
            let alice = server.user("alice").await;
            let sync = async |query: &str| {
                let path = format!("/_matrix/client/v3/sync?timeout=0&{query}");
                alice.get(&path).await.1
            };
            assert_eq!(told(&sync("set_presence=offline").await, &alice), None);
            assert_eq!(
                told(&sync("set_presence=unavailable").await, &alice).expect("she is seen")["presence"],
                "unavailable"
            );
            let filter = enc(r#"{"presence":{"not_types":["*"]}}"#);
            assert_eq!(told(&sync(&format!("filter={filter}")).await, &alice), None);
            for wrong in [
                json!({ "presence": "asleep" }),
                json!({}),
                json!({ "presence": 1 }),
            ] {
                assert_eq!(alice.put(&path(&alice), wrong).await.0, 400);
            }
            let long = json!({ "presence": "online", "status_msg": "x".repeat(1025) });
            assert_eq!(alice.put(&path(&alice), long).await.0, 413);
            assert_eq!(
                server
                    .put(&path(&alice), None, json!({ "presence": "online" }))
                    .await
                    .0,
                401
            );
        })
        .await;
}
