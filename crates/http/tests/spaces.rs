//! Spaces and room summaries, over the client-server API on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn hierarchy(room: &str, query: &str) -> String {
    format!("/_matrix/client/v1/rooms/{}/hierarchy{query}", enc(room))
}

fn summary(room: &str) -> String {
    format!("/_matrix/client/v1/room_summary/{}", enc(room))
}

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

fn ids(page: &Value) -> Vec<&str> {
    let rooms = page["rooms"].as_array().expect("rooms").iter();
    rooms
        .map(|room| room["room_id"].as_str().expect("an id"))
        .collect()
}

async fn space(user: &User, preset: &str) -> String {
    user.create_room(json!({ "preset": preset, "creation_content": { "type": "m.space" } }))
        .await
}

async fn add(user: &User, space: &str, child: &str, content: Value) {
    user.set_state(space, "m.space.child", child, content).await;
}

#[tokio::test]
async fn a_space_is_walked_depth_first_in_pages_without_what_is_hidden() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let via = json!({ "via": ["test.example"] });
        let top = space(&alice, "public_chat").await;
        let below = space(&alice, "public_chat").await;
        let room = alice
            .create_room(json!({ "preset": "public_chat", "name": "Akten" }))
            .await;
        let leaf = alice.create_room(json!({ "preset": "public_chat" })).await;
        let hidden = alice.create_room(json!({ "preset": "private_chat" })).await;
        let gone = alice.create_room(json!({ "preset": "public_chat" })).await;
        add(
            &alice,
            &top,
            &room,
            json!({ "via": ["test.example"], "order": "b", "suggested": true }),
        )
        .await;
        add(
            &alice,
            &top,
            &below,
            json!({ "via": ["test.example"], "order": "a" }),
        )
        .await;
        add(&alice, &top, &hidden, via.clone()).await;
        add(&alice, &top, &gone, json!({})).await;
        add(&alice, &top, "!nowhere:test.example", via.clone()).await;
        add(&alice, &below, &leaf, via.clone()).await;
        // A circle ends.
        add(&alice, &below, &top, via.clone()).await;

        let (status, page) = bob.get(&hierarchy(&top, "")).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(ids(&page), [&*top, &*below, &*leaf, &*room]);
        assert!(page["next_batch"].is_null());
        let first = &page["rooms"][0];
        assert_eq!(first["room_type"], "m.space");
        // A public room is what a room is that says nothing of it.
        assert!(first["join_rule"].is_null());
        let children = first["children_state"].as_array().expect("children");
        assert_eq!(children.len(), 4, "{first}");
        assert_eq!(
            (&children[0]["state_key"], &children[0]["type"]),
            (&json!(below), &json!("m.space.child"))
        );
        assert!(children[0]["origin_server_ts"].is_i64() && children[0]["event_id"].is_null());
        assert_eq!(page["rooms"][3]["name"], "Akten");
        assert_eq!(page["rooms"][3]["children_state"], json!([]));

        let mut paged = Vec::new();
        let mut from = String::new();
        loop {
            let (_, page) = bob.get(&hierarchy(&top, &format!("?limit=1{from}"))).await;
            paged.extend(ids(&page).into_iter().map(ToOwned::to_owned));
            match page["next_batch"].as_str() {
                Some(next) => from = format!("&from={}", enc(next)),
                None => break,
            }
        }
        assert_eq!(paged, [&*top, &*below, &*leaf, &*room]);
        let changed = bob.get(&hierarchy(&top, &format!("?max_depth=1{from}"))).await;
        assert_eq!(errcode(&changed), (400, "M_INVALID_PARAM"));

        assert_eq!(
            ids(&bob.get(&hierarchy(&top, "?max_depth=1")).await.1),
            [&*top, &*below, &*room]
        );
        assert_eq!(
            ids(&bob.get(&hierarchy(&top, "?suggested_only=true")).await.1),
            [&*top, &*room]
        );
        assert_eq!(
            ids(&alice.get(&hierarchy(&top, "")).await.1).len(),
            5,
            "alice is in the hidden one"
        );
    })
    .await;
}

#[tokio::test]
async fn a_restricted_room_is_shown_to_the_members_of_its_space() {
    TestServer::each(async |server| {
        let (alice, bob, carol) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("carol").await,
        );
        let top = space(&alice, "public_chat").await;
        bob.join(&top).await;
        let allow = json!([{ "type": "m.room_membership", "room_id": top }]);
        let rules = json!({ "join_rule": "restricted", "allow": allow });
        let room = alice
            .create_room(json!({
                "preset": "private_chat",
                "initial_state": [{ "type": "m.room.join_rules", "content": rules }],
            }))
            .await;
        add(&alice, &top, &room, json!({ "via": ["test.example"] })).await;
        let (_, page) = bob.get(&hierarchy(&top, "")).await;
        assert_eq!(ids(&page), [&*top, &*room]);
        assert_eq!(page["rooms"][1]["allowed_room_ids"], json!([top]));
        assert_eq!(ids(&carol.get(&hierarchy(&top, "")).await.1), [&*top]);
        assert_eq!(bob.get(&summary(&room)).await.1["join_rule"], "restricted");
        assert_eq!(errcode(&carol.get(&summary(&room)).await), (404, "M_NOT_FOUND"));
    })
    .await;
}

#[tokio::test]
async fn a_space_that_the_caller_may_not_know_is_refused_as_one_that_is_not_there() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let top = space(&alice, "private_chat").await;
        let refused = bob.get(&hierarchy(&top, "")).await;
        assert_eq!(errcode(&refused), (403, "M_FORBIDDEN"));
        assert_eq!(bob.get(&hierarchy("!nowhere:test.example", "")).await, refused);
        let no_token = server.get(&hierarchy(&top, ""), None).await;
        assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));
        assert_eq!(alice.get(&hierarchy(&top, "?limit=many")).await.0, 400);
        for path in [&*top, "!nowhere:test.example", "#nothing:test.example"] {
            assert_eq!(
                errcode(&bob.get(&summary(path)).await),
                (404, "M_NOT_FOUND"),
                "{path}"
            );
        }
        assert_eq!(
            bob.get(&summary(&top)).await,
            bob.get(&summary("!nowhere:test.example")).await
        );
    })
    .await;
}

#[tokio::test]
async fn a_summary_says_what_a_room_is_and_how_the_caller_stands_to_it() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice
            .create_room(
                json!({ "preset": "private_chat", "name": "Bauamt", "topic": "Akten", "room_version": "11",
                "room_alias_name": "bauamt" }),
            )
            .await;
        alice.invite(&room, &bob).await;
        for path in [
            summary(&room),
            summary("#bauamt:test.example"),
            format!(
                "/_matrix/client/unstable/im.nheko.summary/rooms/{}/summary",
                enc(&room)
            ),
        ] {
            let (status, seen) = bob.get(&path).await;
            assert_eq!(status, 200, "{seen}");
            for (key, value) in [
                ("room_id", json!(room)),
                ("name", json!("Bauamt")),
                ("topic", json!("Akten")),
                ("canonical_alias", json!("#bauamt:test.example")),
                ("num_joined_members", json!(1)),
                ("join_rule", json!("invite")),
                ("world_readable", json!(false)),
                ("room_version", json!("11")),
                ("membership", json!("invite")),
            ] {
                assert_eq!(seen[key], value, "{key}");
            }
        }
        assert_eq!(
            errcode(&server.get(&summary(&room), None).await),
            (401, "M_MISSING_TOKEN")
        );
        // Who was banned is outside like everybody else.
        alice
            .post(
                &format!("/_matrix/client/v3/rooms/{}/ban", enc(&room)),
                json!({ "user_id": bob.id }),
            )
            .await;
        assert_eq!(errcode(&bob.get(&summary(&room)).await), (404, "M_NOT_FOUND"));
    })
    .await;
}
