//! Knocking, restricted rooms, and what somebody sees who is out again, over the client-server API on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

fn knock_path(room: &str) -> String {
    format!("/_matrix/client/v3/knock/{}", enc(room))
}

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

async fn room_with_rule(alice: &User, rule: Value) -> String {
    let rules = json!({ "type": "m.room.join_rules", "content": rule });
    alice
        .create_room(json!({ "preset": "private_chat", "name": "Bauamt", "initial_state": [rules] }))
        .await
}

async fn bodies(user: &User, room: &str) -> Vec<String> {
    let (status, page) = user.get(&room_path(room, "messages?dir=b&limit=100")).await;
    assert_eq!(status, 200, "{page}");
    let events = page["chunk"].as_array().expect("events").iter();
    let bodies = events.filter_map(|event| event["content"]["body"].as_str());
    bodies.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn who_was_banned_after_leaving_still_reads_what_they_could_read_before() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({ "preset": "private_chat" })).await;
        alice.send_text(&room, "before bob came").await;
        alice.invite(&room, &bob).await;
        bob.join(&room).await;
        alice.send_text(&room, "while bob was there").await;
        bob.leave(&room).await;
        alice.send_text(&room, "after bob left").await;
        let left = bodies(&bob, &room).await;
        assert_eq!(left, ["while bob was there", "before bob came"]);

        for step in ["ban", "unban"] {
            let (status, answer) = alice
                .post(&room_path(&room, step), json!({ "user_id": bob.id }))
                .await;
            assert_eq!(status, 200, "{answer}");
            alice.send_text(&room, "still without bob").await;
            assert_eq!(bodies(&bob, &room).await, left, "after {step}");
            assert_eq!(bob.get(&room_path(&room, "state")).await.0, 200, "after {step}");
        }
        // The state is that in which they left.
        alice
            .set_state(&room, "m.room.topic", "", json!({ "topic": "new" }))
            .await;
        let topic = bob.get(&room_path(&room, "state/m.room.topic")).await;
        assert_eq!(errcode(&topic), (404, "M_NOT_FOUND"));
    })
    .await;
}

#[tokio::test]
async fn a_knock_is_shown_on_both_sides_and_answered_by_an_invitation() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = room_with_rule(&alice, json!({ "join_rule": "knock" })).await;
        let since = bob.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let (status, answer) = bob.post(&knock_path(&room), json!({ "reason": "Akte 12" })).await;
        assert_eq!((status, answer["room_id"].as_str()), (200, Some(&*room)));
        // Once more is as once.
        assert_eq!(bob.post(&knock_path(&room), json!({})).await.0, 200);

        let sync = bob.sync(Some(&since)).await;
        let state = sync["rooms"]["knock"][&room]["knock_state"]["events"]
            .as_array()
            .expect("state");
        assert!(
            state.iter().any(|event| event["type"] == "m.room.create"),
            "{sync}"
        );
        assert!(
            state.iter().any(|event| event["content"]["name"] == "Bauamt"),
            "{sync}"
        );
        let own = state.iter().find(|event| event["state_key"] == bob.id.as_str());
        assert_eq!(own.expect("the knock")["content"]["reason"], "Akte 12");
        assert!(bob.sync(None).await["rooms"]["knock"][&room].is_object());
        let (_, seen) = alice.get(&room_path(&room, "members?membership=knock")).await;
        assert_eq!(seen["chunk"][0]["state_key"], bob.id.as_str());

        let joining = bob.post(&room_path(&room, "join"), json!({})).await;
        assert_eq!(errcode(&joining), (403, "M_FORBIDDEN"));
        alice.invite(&room, &bob).await;
        let since = sync["next_batch"].as_str().expect("a token");
        let sync = bob.sync(Some(since)).await;
        assert!(sync["rooms"]["invite"][&room].is_object() && sync["rooms"]["knock"].is_null());
        let again = bob.post(&knock_path(&room), json!({})).await;
        assert_eq!(errcode(&again), (403, "M_FORBIDDEN"));
        bob.join(&room).await;
    })
    .await;
}

#[tokio::test]
async fn a_knock_is_refused_by_sending_out_and_taken_back_by_leaving() {
    TestServer::each(async |server| {
        let (alice, bob, carol) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("carol").await,
        );
        let room = room_with_rule(&alice, json!({ "join_rule": "knock" })).await;
        for user in [&bob, &carol] {
            assert_eq!(user.post(&knock_path(&room), json!({})).await.0, 200);
        }
        let since = bob.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let kicked = alice
            .post(&room_path(&room, "kick"), json!({ "user_id": bob.id }))
            .await;
        assert_eq!(kicked.0, 200, "{}", kicked.1);
        assert!(bob.sync(Some(&since)).await["rooms"]["leave"][&room].is_object());
        carol.leave(&room).await;
        for user in [&bob, &carol] {
            assert!(user.sync(None).await["rooms"]["knock"].is_null());
            let state = user.get(&room_path(&room, "state")).await;
            assert_eq!(errcode(&state), (403, "M_FORBIDDEN"), "a knock opens nothing");
        }
    })
    .await;
}

#[tokio::test]
async fn knocking_where_it_is_not_wanted_is_refused_as_at_a_room_that_is_not_there() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let private = alice.create_room(json!({ "preset": "private_chat" })).await;
        for room in [&*private, "!nowhere:test.example"] {
            let refused = bob.post(&knock_path(room), json!({})).await;
            assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));
        }
        let no_alias = bob.post(&knock_path("#nothing:test.example"), json!({})).await;
        assert_eq!(errcode(&no_alias), (404, "M_NOT_FOUND"));
        let malformed = bob.post(&knock_path(&private), json!({ "reason": 7 })).await;
        assert_eq!(errcode(&malformed), (400, "M_BAD_JSON"));
        let no_token = server.post(&knock_path(&private), None, json!({})).await;
        assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));

        // Who was banned can't ask either.
        let open = room_with_rule(&alice, json!({ "join_rule": "knock" })).await;
        alice
            .post(&room_path(&open, "ban"), json!({ "user_id": bob.id }))
            .await;
        assert_eq!(
            errcode(&bob.post(&knock_path(&open), json!({})).await),
            (403, "M_FORBIDDEN")
        );
    })
    .await;
}

#[tokio::test]
async fn members_of_an_allowed_room_join_a_restricted_one_by_themselves() {
    TestServer::each(async |server| {
        let (alice, bob, carol) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("carol").await,
        );
        let house = alice
            .create_room(json!({ "preset": "public_chat", "creation_content": { "type": "m.space" } }))
            .await;
        bob.join(&house).await;
        for rule in ["restricted", "knock_restricted"] {
            let allow = json!([
                { "type": "org.example.other" },
                { "type": "m.room_membership", "room_id": "!nowhere:test.example" },
                { "type": "m.room_membership", "room_id": house },
            ]);
            let room = room_with_rule(&alice, json!({ "join_rule": rule, "allow": allow })).await;
            let outside = carol.post(&room_path(&room, "join"), json!({})).await;
            assert_eq!(errcode(&outside), (403, "M_FORBIDDEN"));
            // Nobody names the one who lets them in themselves.
            let forged = json!({ "membership": "join", "join_authorised_via_users_server": alice.id });
            let path = room_path(&room, &format!("state/m.room.member/{}", enc(carol.id.as_str())));
            assert_eq!(errcode(&carol.put(&path, forged).await), (403, "M_FORBIDDEN"));

            bob.join(&room).await;
            let path = room_path(&room, &format!("state/m.room.member/{}", enc(bob.id.as_str())));
            let (_, member) = bob.get(&path).await;
            assert_eq!(member["join_authorised_via_users_server"], alice.id.as_str());
            let knocked = carol.post(&knock_path(&room), json!({})).await;
            assert_eq!(knocked.0 == 200, rule == "knock_restricted", "{}", knocked.1);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_comes_into_a_restricted_room_where_nobody_may_invite() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let house = alice.create_room(json!({ "preset": "public_chat" })).await;
        bob.join(&house).await;
        let allow = json!([{ "type": "m.room_membership", "room_id": house }]);
        let rules = json!({ "join_rule": "restricted", "allow": allow });
        let room = alice
            .create_room(json!({
                "preset": "private_chat",
                "room_version": "11",
                "initial_state": [{ "type": "m.room.join_rules", "content": rules }],
                "power_level_content_override": { "invite": 101 },
            }))
            .await;
        let refused = bob.post(&room_path(&room, "join"), json!({})).await;
        assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));
    })
    .await;
}

#[tokio::test]
async fn somebody_types_without_saying_for_how_long() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let path = room_path(&room, &format!("typing/{}", enc(alice.id.as_str())));
        assert_eq!(
            alice.put(&path, json!({ "typing": true })).await,
            (200, json!({}))
        );
        let sync = alice.sync(None).await;
        let typing = &sync["rooms"]["join"][&room]["ephemeral"]["events"];
        assert!(typing.to_string().contains(alice.id.as_str()), "{sync}");
        let malformed = alice.put(&path, json!({ "typing": "yes" })).await;
        assert_eq!(errcode(&malformed), (400, "M_BAD_JSON"));
        assert_eq!(alice.put(&path, json!({})).await.0, 400);
    })
    .await;
}
