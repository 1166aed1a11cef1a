//! Inviting people of other servers.

use rohrpost_testkit::{Neighbours, Stranger, TestServer, User, enc};
use serde_json::{Value, json};

const INVITE: &str = "PUT /_matrix/federation/v2/invite/";

/// A server on each engine, and somebody else's.
async fn each(test: impl AsyncFn(TestServer, &Stranger)) {
    let neighbours = Neighbours::new();
    for server in [Some(neighbours.sqlite().await), neighbours.postgres().await] {
        let Some(server) = server else { return };
        test(server.clone(), &neighbours.stranger().await).await;
        server.close().await;
    }
}

async fn invite(anna: &User, room: &str, user: &str) -> (u16, Value) {
    let path = format!("/_matrix/client/v3/rooms/{}/invite", enc(room));
    anna.post(&path, json!({ "user_id": user, "reason": "for the budget" }))
        .await
}

async fn membership(anna: &User, room: &str, user: &str) -> Value {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
        enc(room),
        enc(user)
    );
    anna.get(&path).await.1["membership"].clone()
}

#[tokio::test]
async fn an_invite_comes_into_the_room_when_the_other_server_signed_it() {
    each(async |server, stranger| {
        stranger.signs_invites(|_| ());
        let (anna, eva) = (server.user("anna").await, stranger.user("eva"));
        for version in ["10", "11", "12"] {
            let body = json!({ "preset": "private_chat", "name": "Haushalt", "room_version": version });
            let room = anna.create_room(body).await;
            let (status, answer) = invite(&anna, &room, &eva).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(membership(&anna, &room, &eva).await, "invite");
            let (path, told) = stranger.asked(INVITE).pop().expect("it was asked");
            let event = &told["event"];
            let id = path.rsplit('/').next().expect("a path");
            let event_path = format!("/_matrix/client/v3/rooms/{}/event/{id}", enc(&room));
            assert_eq!(anna.get(&event_path).await.0, 200, "under the id that was sent");
            assert_eq!(told["room_version"], json!(version));
            assert_eq!(
                event["content"],
                json!({ "membership": "invite", "reason": "for the budget" })
            );
            assert!(event["signatures"].get(server.name().as_str()).is_some());
            let state = told["invite_room_state"].as_array().expect("a state");
            let kinds: Vec<_> = state
                .iter()
                .map(|event| event["type"].as_str().expect("a type"))
                .collect();
            for kind in [
                "m.room.create",
                "m.room.name",
                "m.room.join_rules",
                "m.room.member",
            ] {
                assert!(kinds.contains(&kind), "{kinds:?}");
            }
            assert!(
                state.iter().all(|event| event["hashes"].is_object()),
                "whole events"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_the_same_event_signed_is_no_invite() {
    each(async |server, stranger| {
        let (anna, eva) = (server.user("anna").await, stranger.user("eva"));
        let room = anna.create_room(json!({ "preset": "private_chat" })).await;
        let changes: [fn(&mut Value); 4] = [
            |event| event["content"]["membership"] = json!("join"),
            |event| event["content"]["reason"] = json!("for the holidays"),
            |event| event["depth"] = json!(1),
            |event| event["type"] = json!("m.room.power_levels"),
        ];
        for change in changes {
            stranger.signs_invites(change);
            let (status, answer) = invite(&anna, &room, &eva).await;
            assert_eq!(status, 502, "{answer}");
        }
        // Not signed at all.
        stranger.answers_with(INVITE, |body| (200, json!({ "event": body["event"] })));
        assert_eq!(invite(&anna, &room, &eva).await.0, 502);
        assert_eq!(membership(&anna, &room, &eva).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn what_the_other_server_refuses_is_told_in_words_that_help() {
    each(async |server, stranger| {
        let (anna, eva) = (server.user("anna").await, stranger.user("eva"));
        let room = anna.create_room(json!({ "preset": "private_chat" })).await;
        for (theirs, errcode, ours, expected) in [
            (403, "M_INVITE_BLOCKED", 403, "M_INVITE_BLOCKED"),
            (403, "M_FORBIDDEN", 403, "M_FORBIDDEN"),
            (404, "M_NOT_FOUND", 404, "M_NOT_FOUND"),
            (
                400,
                "M_UNSUPPORTED_ROOM_VERSION",
                400,
                "M_UNSUPPORTED_ROOM_VERSION",
            ),
            (
                400,
                "M_INCOMPATIBLE_ROOM_VERSION",
                400,
                "M_UNSUPPORTED_ROOM_VERSION",
            ),
            (429, "M_LIMIT_EXCEEDED", 502, "M_UNKNOWN"),
            (500, "M_UNRECOGNIZED", 502, "M_UNKNOWN"),
        ] {
            let mut answer = json!({ "errcode": errcode, "error": "no" });
            if errcode == "M_INCOMPATIBLE_ROOM_VERSION" {
                answer["room_version"] = json!("12");
            }
            stranger.refuses(INVITE, theirs, answer);
            let (status, answer) = invite(&anna, &room, &eva).await;
            assert_eq!(
                (status, &answer["errcode"]),
                (ours, &json!(expected)),
                "{errcode}: {answer}"
            );
        }
        assert_eq!(invite(&anna, &room, "@x:127.0.0.1:1").await.0, 502);
        assert_eq!(membership(&anna, &room, &eva).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn only_who_may_invite_makes_this_server_ask() {
    each(async |server, stranger| {
        stranger.signs_invites(|_| ());
        let (anna, eva) = (server.user("anna").await, stranger.user("eva"));
        let (carl, dora) = (server.user("carl").await, server.user("dora").await);
        let room = anna
            .create_room(json!({ "preset": "public_chat", "power_level_content_override": { "invite": 50 } }))
            .await;
        carl.join(&room).await;
        for who in [&carl, &dora] {
            let (status, answer) = invite(who, &room, &eva).await;
            assert_eq!(
                (status, &answer["errcode"]),
                (403, &json!("M_FORBIDDEN")),
                "{answer}"
            );
        }
        assert!(stranger.asked(INVITE).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_room_is_made_with_people_of_other_servers() {
    each(async |server, stranger| {
        stranger.signs_invites(|_| ());
        let anna = server.user("anna").await;
        let (eva, carl) = (stranger.user("eva"), server.user("carl").await);
        let room = anna
            .create_room(json!({
                "preset": "trusted_private_chat", "is_direct": true, "room_version": "11",
                "invite": [eva, carl.id, "@x:127.0.0.1:1"],
            }))
            .await;
        assert_eq!(membership(&anna, &room, &eva).await, "invite");
        assert_eq!(membership(&anna, &room, carl.id.as_str()).await, "invite");
        // Whose server can't be reached isn't invited; the room is there.
        assert_eq!(membership(&anna, &room, "@x:127.0.0.1:1").await, Value::Null);
        let (_, told) = stranger.asked(INVITE).pop().expect("it was asked");
        assert_eq!(told["event"]["content"]["is_direct"], json!(true));
        let path = format!(
            "/_matrix/client/v3/rooms/{}/state/m.room.power_levels/",
            enc(&room)
        );
        let (_, levels) = anna.get(&path).await;
        assert_eq!(levels["users"][&eva], json!(100), "{levels}");
    })
    .await;
}

#[tokio::test]
async fn an_invite_by_a_state_event_goes_the_same_way() {
    each(async |server, stranger| {
        stranger.signs_invites(|_| ());
        let (anna, eva) = (server.user("anna").await, stranger.user("eva"));
        let room = anna.create_room(json!({ "preset": "private_chat" })).await;
        let content = json!({ "membership": "invite", "displayname": "The Minister" });
        let id = anna.set_state(&room, "m.room.member", &eva, content).await;
        let (path, told) = stranger.asked(INVITE).pop().expect("it was asked");
        assert!(path.ends_with(&enc(&id)) || path.ends_with(&id), "{path}");
        assert_eq!(told["event"]["content"], json!({ "membership": "invite" }));
        assert_eq!(membership(&anna, &room, &eva).await, "invite");
        // Again, and nothing happens in between: an invite follows an invite.
        assert_eq!(invite(&anna, &room, &eva).await.0, 200);
    })
    .await;
}
