//! Room upgrades, over the client-server API on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

fn errcode(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

async fn upgrade(user: &User, room: &str, body: Value) -> String {
    let (status, answer) = user.post(&room_path(room, "upgrade"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer["replacement_room"].as_str().expect("a room").to_owned()
}

async fn state(user: &User, room: &str, kind: &str) -> Value {
    let (status, content) = user.get(&room_path(room, &format!("state/{kind}"))).await;
    assert_eq!(status, 200, "{kind}: {content}");
    content
}

#[tokio::test]
async fn the_new_room_is_like_the_old_one_and_the_old_one_leads_to_it() {
    TestServer::each(async |server| {
        let (alice, bob, mallory) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("mallory").await,
        );
        for (from, to) in [("10", "11"), ("11", "12"), ("12", "12"), ("12", "10")] {
            let alias = format!("amt{from}{to}");
            let old = alice
                .create_room(json!({
                    "preset": "public_chat", "visibility": "public", "room_version": from, "name": "Bauamt",
                    "topic": "Akten", "room_alias_name": alias,
                    "power_level_content_override": { "users_default": 1, "events": { "org.example.x": 7 } },
                }))
                .await;
            bob.join(&old).await;
            mallory.join(&old).await;
            alice
                .set_state(
                    &old,
                    "m.room.avatar",
                    "",
                    json!({ "url": "mxc://test.example/a" }),
                )
                .await;
            alice
                .post(&room_path(&old, "ban"), json!({ "user_id": mallory.id }))
                .await;
            // Asking for the version that it has already makes a new room too.
            let new = upgrade(&alice, &old, json!({ "new_version": to })).await;
            assert_ne!(new, old);

            let create = state(&alice, &new, "m.room.create").await;
            assert_eq!(create["predecessor"]["room_id"], old);
            assert_eq!(create["room_version"], to);
            for (kind, key, value) in [
                ("m.room.name", "name", "Bauamt"),
                ("m.room.topic", "topic", "Akten"),
                ("m.room.avatar", "url", "mxc://test.example/a"),
                ("m.room.join_rules", "join_rule", "public"),
                (
                    "m.room.canonical_alias",
                    "alias",
                    &format!("#{alias}:test.example"),
                ),
            ] {
                assert_eq!(
                    state(&alice, &new, kind).await[key],
                    value,
                    "{from} to {to}: {kind}"
                );
            }
            let levels = state(&alice, &new, "m.room.power_levels").await;
            assert_eq!(
                (&levels["users_default"], &levels["events"]["org.example.x"]),
                (&json!(1), &json!(7))
            );
            let creator = (to != "12").then_some(100).map_or(Value::Null, Value::from);
            assert_eq!(
                levels["users"][alice.id.as_str()],
                creator,
                "{from} to {to}: {levels}"
            );
            let tombstone = levels["events"]["m.room.tombstone"].as_i64();
            assert!(
                tombstone > levels["state_default"].as_i64(),
                "{from} to {to}: {levels}"
            );

            let tombstone = state(&bob, &old, "m.room.tombstone").await;
            assert_eq!(tombstone["replacement_room"], new);
            let closed = state(&bob, &old, "m.room.power_levels").await;
            assert_eq!(
                (&closed["events_default"], &closed["invite"]),
                (&json!(50), &json!(50))
            );
            let path = room_path(&old, &format!("send/m.room.message/late{from}{to}"));
            let late = bob
                .put(&path, json!({ "msgtype": "m.text", "body": "late" }))
                .await;
            assert_eq!(errcode(&late), (403, "M_FORBIDDEN"));
            let path = format!(
                "/_matrix/client/v3/directory/room/{}",
                enc(&format!("#{alias}:test.example"))
            );
            assert_eq!(bob.get(&path).await.1["room_id"], new);
            let listed = |room: &str| format!("/_matrix/client/v3/directory/list/room/{}", enc(room));
            assert_eq!(alice.get(&listed(&new)).await.1["visibility"], "public");
            assert_eq!(alice.get(&listed(&old)).await.1["visibility"], "private");

            bob.join(&new).await;
            let banned = mallory.post(&room_path(&new, "join"), json!({})).await;
            assert_eq!(errcode(&banned), (403, "M_FORBIDDEN"));
            // The same request again finds what the first one made.
            assert_eq!(upgrade(&alice, &old, json!({ "new_version": to })).await, new);
        }
    })
    .await;
}

#[tokio::test]
async fn a_room_that_was_not_encrypted_stays_so_and_one_that_was_stays_so_too() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for encrypted in [true, false] {
            let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
            let encryption = json!({ "type": "m.room.encryption", "content": algorithm });
            let events = if encrypted { json!([encryption]) } else { json!([]) };
            let old = alice
                .create_room(json!({ "preset": "private_chat", "initial_state": events }))
                .await;
            let new = upgrade(&alice, &old, json!({ "new_version": "12" })).await;
            let (status, content) = alice.get(&room_path(&new, "state/m.room.encryption")).await;
            assert_eq!(status, if encrypted { 200 } else { 404 }, "{content}");
        }
    })
    .await;
}

#[tokio::test]
async fn additional_creators_count_where_the_version_knows_them() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        for (version, known) in [("12", true), ("11", false)] {
            let old = alice.create_room(json!({ "room_version": "11" })).await;
            let body = json!({ "new_version": version, "additional_creators": [bob.id] });
            let new = upgrade(&alice, &old, body).await;
            let create = state(&alice, &new, "m.room.create").await;
            let expected = if known { json!([bob.id]) } else { Value::Null };
            assert_eq!(create["additional_creators"], expected);
        }
    })
    .await;
}

#[tokio::test]
async fn tags_and_notification_settings_go_with_those_who_follow() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let old = alice.create_room(json!({ "preset": "public_chat" })).await;
        bob.join(&old).await;
        for user in [&alice, &bob] {
            let path = format!(
                "/_matrix/client/v3/user/{}/rooms/{}/tags/m.favourite",
                enc(user.id.as_str()),
                enc(&old)
            );
            assert_eq!(user.put(&path, json!({ "order": 0.5 })).await.0, 200);
            let room_rule = format!("/_matrix/client/v3/pushrules/global/room/{}", enc(&old));
            assert_eq!(
                user.put(&room_rule, json!({ "actions": ["notify"] })).await.0,
                200
            );
            let muting = format!("/_matrix/client/v3/pushrules/global/override/{}", enc(&old));
            let conditions = json!([{ "kind": "event_match", "key": "room_id", "pattern": old }]);
            let body = json!({ "actions": [], "conditions": conditions });
            assert_eq!(user.put(&muting, body).await.0, 200);
        }
        let new = upgrade(&alice, &old, json!({ "new_version": "12" })).await;
        bob.join(&new).await;
        for user in [&alice, &bob] {
            let path = format!(
                "/_matrix/client/v3/user/{}/rooms/{}/tags",
                enc(user.id.as_str()),
                enc(&new)
            );
            assert_eq!(user.get(&path).await.1["tags"]["m.favourite"]["order"], 0.5);
            let rule = |kind: &str| format!("/_matrix/client/v3/pushrules/global/{kind}/{}", enc(&new));
            assert_eq!(user.get(&rule("room")).await.1["actions"], json!(["notify"]));
            let (_, muting) = user.get(&rule("override")).await;
            assert_eq!(muting["conditions"][0]["pattern"], new);
        }
    })
    .await;
}

#[tokio::test]
async fn an_upgrade_is_refused_to_those_who_may_not() {
    TestServer::each(async |server| {
        let (alice, bob, carol) = (
            server.user("alice").await,
            server.user("bob").await,
            server.user("carol").await,
        );
        let room = alice.create_room(json!({ "preset": "public_chat" })).await;
        bob.join(&room).await;
        let body = json!({ "new_version": "12" });
        let path = room_path(&room, "upgrade");
        assert_eq!(
            errcode(&bob.post(&path, body.clone()).await),
            (403, "M_FORBIDDEN")
        );
        let stranger = carol.post(&path, body.clone()).await;
        let nowhere = carol
            .post(&room_path("!nowhere:test.example", "upgrade"), body.clone())
            .await;
        assert_eq!(errcode(&stranger), (403, "M_FORBIDDEN"));
        assert_eq!(stranger, nowhere);
        let unknown = alice.post(&path, json!({ "new_version": "99" })).await;
        assert_eq!(errcode(&unknown), (400, "M_UNSUPPORTED_ROOM_VERSION"));
        assert_eq!(errcode(&alice.post(&path, json!({})).await), (400, "M_BAD_JSON"));
        let no_token = server.post(&path, None, body).await;
        assert_eq!(errcode(&no_token), (401, "M_MISSING_TOKEN"));
        let (status, _) = alice.get(&room_path(&room, "state/m.room.tombstone")).await;
        assert_eq!(status, 404);
    })
    .await;
}
