//! Aliases, the list of rooms and the people, over the client-server API on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

fn alias(name: &str) -> String {
    format!(
        "/_matrix/client/v3/directory/room/{}",
        enc(&format!("#{name}:test.example"))
    )
}

fn listing(room: &str) -> String {
    format!("/_matrix/client/v3/directory/list/room/{}", enc(room))
}

const PUBLIC: &str = "/_matrix/client/v3/publicRooms";
const SEARCH: &str = "/_matrix/client/v3/user_directory/search";

async fn public_room(user: &User, name: &str) -> String {
    user.create_room(json!({ "preset": "public_chat", "visibility": "public", "name": name }))
        .await
}

fn names(page: &Value) -> Vec<String> {
    let rooms = page["chunk"].as_array().expect("a list").iter();
    rooms
        .map(|room| room["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn an_alias_points_to_its_room() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        assert_eq!(
            alice.put(&alias("bauamt"), json!({ "room_id": room })).await,
            (200, json!({}))
        );
        let points = (200, json!({ "room_id": room, "servers": ["test.example"] }));
        assert_eq!(server.get(&alias("bauamt"), None).await, points);
        let aliases = format!("/_matrix/client/v3/rooms/{}/aliases", enc(&room));
        assert_eq!(
            alice.get(&aliases).await,
            (200, json!({ "aliases": ["#bauamt:test.example"] }))
        );
        let bob = server.user("bob").await;
        assert_eq!(refusal(bob.get(&aliases).await), (403, "M_FORBIDDEN".to_owned()));
        assert_eq!(alice.delete(&alias("bauamt")).await, (200, json!({})));
        assert_eq!(
            refusal(alice.delete(&alias("bauamt")).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        assert_eq!(
            refusal(server.get(&alias("bauamt"), None).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let foreign = format!(
            "/_matrix/client/v3/directory/room/{}",
            enc("#bauamt:other.example")
        );
        assert_eq!(
            refusal(alice.get(&foreign).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let told = alice.put(&foreign, json!({ "room_id": room })).await;
        assert_eq!(refusal(told), (400, "M_INVALID_PARAM".to_owned()));
        assert_eq!(
            server
                .put(&alias("bauamt"), None, json!({ "room_id": room }))
                .await
                .0,
            401
        );
    })
    .await;
}

#[tokio::test]
async fn an_alias_can_not_be_taken_over() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice.create_room(json!({ "preset": "public_chat" })).await;
        let mine = bob.create_room(json!({})).await;
        assert_eq!(
            alice.put(&alias("bauamt"), json!({ "room_id": room })).await.0,
            200
        );
        let taken = (409, "M_UNKNOWN".to_owned());
        assert_eq!(
            refusal(bob.put(&alias("bauamt"), json!({ "room_id": mine })).await),
            taken
        );
        assert_eq!(
            refusal(alice.put(&alias("bauamt"), json!({ "room_id": room })).await),
            taken
        );
        assert_eq!(
            refusal(bob.delete(&alias("bauamt")).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        let there = bob.put(&alias("fake"), json!({ "room_id": room })).await;
        assert_eq!(
            there,
            bob.put(&alias("fake"), json!({ "room_id": "!nowhere:test.example" }))
                .await
        );
        assert_eq!(refusal(there), (403, "M_FORBIDDEN".to_owned()));
        // Being in the room is not enough to take down what others made.
        bob.join(&room).await;
        assert_eq!(
            refusal(bob.delete(&alias("bauamt")).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        // Whoever runs the room or the server may.
        assert_eq!(
            bob.put(&alias("kantine"), json!({ "room_id": room })).await.0,
            200
        );
        assert_eq!(alice.delete(&alias("kantine")).await.0, 200);
        let admin = server.administrator("admin").await;
        assert_eq!(admin.delete(&alias("bauamt")).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_room_is_listed_by_those_who_run_it() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice
            .create_room(json!({ "preset": "public_chat", "name": "Bauamt" }))
            .await;
        bob.join(&room).await;
        assert_eq!(
            alice.get(&listing(&room)).await,
            (200, json!({ "visibility": "private" }))
        );
        let public = json!({ "visibility": "public" });
        assert_eq!(
            refusal(bob.put(&listing(&room), public.clone()).await),
            (403, "M_FORBIDDEN".to_owned())
        );
        for _ in 0..2 {
            assert_eq!(alice.put(&listing(&room), public.clone()).await, (200, json!({})));
        }
        assert_eq!(server.get(&listing(&room), None).await, (200, public));
        let told = alice.put(&listing(&room), json!({ "visibility": "half" })).await;
        assert_eq!(told.0, 400);
        let carol = server.user("carol").await;
        let secret = alice.create_room(json!({})).await;
        let there = carol.get(&listing(&secret)).await;
        assert_eq!(there, carol.get(&listing("!nowhere:test.example")).await);
        assert_eq!(refusal(there), (404, "M_NOT_FOUND".to_owned()));
        let there = carol
            .put(&listing(&secret), json!({ "visibility": "public" }))
            .await;
        assert_eq!(
            there,
            carol
                .put(
                    &listing("!nowhere:test.example"),
                    json!({ "visibility": "public" })
                )
                .await
        );
    })
    .await;
}

#[tokio::test]
async fn public_rooms_are_listed_in_pages_and_by_term() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let town = public_room(&alice, "Rathaus").await;
        bob.join(&town).await;
        for name in ["Bauamt", "Kantine"] {
            public_room(&alice, name).await;
        }
        let space = json!({ "preset": "public_chat", "visibility": "public", "name": "Alles", "creation_content": { "type": "m.space" } });
        alice.create_room(space).await;
        alice.create_room(json!({ "name": "Geheim" })).await;

        let (status, page) = bob.get(PUBLIC).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(names(&page), ["Rathaus", "Bauamt", "Kantine", "Alles"]);
        assert_eq!(page["total_room_count_estimate"], 4);
        let first = &page["chunk"][0];
        assert_eq!((&first["room_id"], &first["num_joined_members"]), (&json!(town), &json!(2)));
        assert_eq!((&first["world_readable"], &first["guest_can_join"]), (&json!(false), &json!(false)));

        let (_, page) = bob.get(&format!("{PUBLIC}?limit=3")).await;
        assert_eq!(names(&page), ["Rathaus", "Bauamt", "Kantine"]);
        let next = page["next_batch"].as_str().expect("there is more");
        let (_, page) = bob.get(&format!("{PUBLIC}?limit=3&since={next}")).await;
        assert_eq!(names(&page), ["Alles"]);
        assert!(page.get("next_batch").is_none(), "{page}");
        assert!(page["prev_batch"].is_string(), "{page}");

        let search = async |filter: Value| names(&bob.post(PUBLIC, json!({ "filter": filter })).await.1);
        assert_eq!(search(json!({ "generic_search_term": "BAU" })).await, ["Bauamt"]);
        assert_eq!(search(json!({ "room_types": ["m.space"] })).await, ["Alles"]);
        assert_eq!(search(json!({ "room_types": [null] })).await.len(), 3);
        assert_eq!(refusal(bob.get(&format!("{PUBLIC}?since=x")).await), (400, "M_INVALID_PARAM".to_owned()));
        assert_eq!(refusal(bob.get(&format!("{PUBLIC}?server=other.example")).await), (403, "M_FORBIDDEN".to_owned()));
        assert_eq!(refusal(server.get(PUBLIC, None).await), (401, "M_MISSING_TOKEN".to_owned()));
        assert_eq!(refusal(bob.post(PUBLIC, json!({ "limit": "all" })).await), (400, "M_BAD_JSON".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_parts_of_their_names() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let bob = server.user("bob.muster").await;
        server.user("carol").await;
        let name = format!("/_matrix/client/v3/profile/{}/displayname", enc(bob.id.as_str()));
        assert_eq!(
            bob.put(&name, json!({ "displayname": "Bernd Müster_100%" }))
                .await
                .0,
            200
        );
        let search = async |term: &str| {
            let (status, found) = alice.post(SEARCH, json!({ "search_term": term })).await;
            assert_eq!(status, 200, "{found}");
            let people = found["results"].as_array().expect("a list").iter();
            people
                .map(|user| user["user_id"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        for term in [
            "bernd",
            "MÜST",
            "muster",
            "müster bernd",
            "@bob.muster:test.example",
            "100%",
            "r_1",
        ] {
            assert_eq!(search(term).await, [bob.id.as_str()], "{term}");
        }
        assert_eq!(
            search("alice").await,
            Vec::<String>::new(),
            "the caller isn't shown"
        );
        assert_eq!(search("_rnd").await, Vec::<String>::new(), "_ is a letter");
        assert_eq!(search("").await.len(), 2);
        let (_, found) = alice.post(SEARCH, json!({ "search_term": "", "limit": 1 })).await;
        assert_eq!(
            (found["results"].as_array().map(Vec::len), &found["limited"]),
            (Some(1), &json!(true))
        );
        assert_eq!(
            refusal(alice.post(SEARCH, json!({})).await),
            (400, "M_BAD_JSON".to_owned())
        );
        assert_eq!(
            server.post(SEARCH, None, json!({ "search_term": "" })).await.0,
            401
        );
    })
    .await;
}
