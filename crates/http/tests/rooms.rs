//! Rooms, over the client-server API on both engines.

use rohrpost_core::{
    limits::{Kind, Rates},
    settings::Rate,
};
use rohrpost_room::Encryption;
use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

fn room_path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

/// The errcode of a refusal, with its status.
fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

#[tokio::test]
async fn a_room_of_each_version_and_preset_has_the_state_of_its_preset() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for version in ["10", "11", "12"] {
            for (preset, join_rule, guests) in [
                ("private_chat", "invite", "can_join"),
                ("trusted_private_chat", "invite", "can_join"),
                ("public_chat", "public", "forbidden"),
            ] {
                let body =
                    json!({ "preset": preset, "room_version": version, "name": "Bauamt", "topic": "Akten" });
                let room = alice.create_room(body).await;
                let (status, state) = alice.get(&room_path(&room, "state")).await;
                assert_eq!(status, 200, "{state}");
                let content = |kind: &str| {
                    let events = state.as_array().expect("a list").iter();
                    let found = events
                        .clone()
                        .find(|event| event["type"] == kind && event["state_key"] == "");
                    found.unwrap_or_else(|| panic!("{kind} in {state}"))["content"].clone()
                };
                assert_eq!(content("m.room.create")["room_version"], version);
                assert_eq!(content("m.room.join_rules")["join_rule"], join_rule);
                assert_eq!(content("m.room.guest_access")["guest_access"], guests);
                assert_eq!(
                    content("m.room.history_visibility")["history_visibility"],
                    "shared"
                );
                assert_eq!(content("m.room.name")["name"], "Bauamt");
                assert_eq!(content("m.room.topic")["topic"], "Akten");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn two_rooms_made_at_the_same_moment_are_two_rooms() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let first = alice.create_room(json!({})).await;
        let second = alice.create_room(json!({})).await;
        assert_ne!(first, second);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_send_is_one_event_for_each_device_endpoint_and_transaction() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let path = room_path(&room, "send/m.room.message/once");
        let text = |body: &str| json!({ "msgtype": "m.text", "body": body });
        let (status, first) = alice.put(&path, text("hello")).await;
        assert_eq!(status, 200, "{first}");
        assert_eq!(alice.put(&path, text("hello")).await, (200, first.clone()));
        let (_, other_type) = alice
            .put(&room_path(&room, "send/m.sticker/once"), text("hello"))
            .await;
        let (_, other_person) = bob.put(&path, text("hello")).await;
        assert_ne!(other_type["event_id"], first["event_id"]);
        assert_ne!(other_person["event_id"], first["event_id"]);

        server.restart().await;
        assert_eq!(alice.put(&path, text("hello")).await, (200, first.clone()));
        let (_, page) = bob.get(&room_path(&room, "messages?dir=b&limit=100")).await;
        let chunk = page["chunk"].as_array().expect("events");
        assert_eq!(
            chunk
                .iter()
                .filter(|event| event["event_id"] == first["event_id"])
                .count(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn memberships_follow_the_rules_of_the_room() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let forbidden = (403, "M_FORBIDDEN".to_owned());
        assert_eq!(
            refusal(carol.post(&room_path(&room, "join"), json!({})).await),
            forbidden
        );
        let someone = json!({ "user_id": alice.id });
        assert_eq!(
            refusal(bob.post(&room_path(&room, "kick"), someone.clone()).await),
            forbidden
        );
        assert_eq!(
            refusal(bob.post(&room_path(&room, "ban"), someone).await),
            forbidden
        );
        let ghost = json!({ "user_id": "@ghost:test.example" });
        assert_eq!(
            refusal(alice.post(&room_path(&room, "invite"), ghost).await),
            (404, "M_NOT_FOUND".to_owned())
        );

        let bob_ = json!({ "user_id": bob.id, "reason": "Umzug" });
        assert_eq!(alice.post(&room_path(&room, "kick"), bob_.clone()).await.0, 200);
        assert_eq!(
            refusal(bob.post(&room_path(&room, "join"), json!({})).await),
            forbidden
        );
        assert_eq!(alice.post(&room_path(&room, "ban"), bob_.clone()).await.0, 200);
        assert_eq!(
            refusal(alice.post(&room_path(&room, "invite"), bob_.clone()).await),
            forbidden
        );
        assert_eq!(alice.post(&room_path(&room, "unban"), bob_.clone()).await.0, 200);
        alice.invite(&room, &bob).await;
        bob.join(&room).await;
        bob.join(&room).await;
        bob.leave(&room).await;
        bob.leave(&room).await;
        assert_eq!(
            refusal(bob.get(&room_path(&room, "joined_members")).await),
            forbidden
        );
        assert_eq!(bob.post(&room_path(&room, "forget"), json!({})).await.0, 200);
        assert_eq!(
            refusal(bob.get(&room_path(&room, "messages?dir=b")).await),
            forbidden
        );
        assert_eq!(
            refusal(alice.post(&room_path(&room, "forget"), json!({})).await),
            (400, "M_UNKNOWN".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn strangers_are_refused_in_the_same_words_whether_or_not_the_room_exists() {
    TestServer::each(async |server| {
        let (_, _, room) = two_in_a_room(&server).await;
        let eve = server.user("eve").await;
        let nowhere = "!nothing:test.example";
        for rest in [
            "state",
            "messages?dir=b",
            "members",
            "joined_members",
            "state/m.room.create/",
        ] {
            let real = eve.get(&room_path(&room, rest)).await;
            assert_eq!(real.0, 403, "{rest}: {}", real.1);
            assert_eq!(real, eve.get(&room_path(nowhere, rest)).await, "{rest}");
            let (status, _) = server.get(&room_path(&room, rest), None).await;
            assert_eq!(status, 401, "{rest}");
        }
        let event = "event/$1-F1b3GGzvdqkkJ2FkQ-bVhIYGUZvR9BqSVgl4pQAAA";
        assert_eq!(
            eve.get(&room_path(&room, event)).await,
            eve.get(&room_path(nowhere, event)).await
        );
        let send = "send/m.room.message/1";
        let content = json!({ "msgtype": "m.text", "body": "hi" });
        let real = eve.put(&room_path(&room, send), content.clone()).await;
        assert_eq!(real.0, 403);
        assert_eq!(eve.put(&room_path(nowhere, send), content).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn a_redacted_event_is_gone_from_every_answer_and_from_the_database() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let canary = "canary-4711";
        let event = bob.send_text(&room, canary).await;
        let path = room_path(&room, &format!("redact/{}/r1", enc(&event)));
        let carol = server.user("carol").await;
        assert_eq!(carol.put(&path, json!({})).await.0, 403);
        let (status, redaction) = alice.put(&path, json!({ "reason": "Versehen" })).await;
        assert_eq!(status, 200, "{redaction}");
        assert_eq!(alice.put(&path, json!({})).await.1, redaction);

        let (_, seen) = bob
            .get(&room_path(&room, &format!("event/{}", enc(&event))))
            .await;
        assert_eq!(seen["content"], json!({}));
        assert_eq!(
            seen["unsigned"]["redacted_because"]["event_id"],
            redaction["event_id"]
        );
        for rest in [
            "messages?dir=b&limit=50".to_owned(),
            format!("context/{}", enc(&event)),
        ] {
            let (_, answer) = bob.get(&room_path(&room, &rest)).await;
            assert!(!answer.to_string().contains(canary), "{rest}");
        }
        assert!(!bob.sync(None).await.to_string().contains(canary));
    })
    .await;
}

#[tokio::test]
async fn what_a_room_goes_by_can_not_be_redacted() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({ "preset": "private_chat" })).await;
        let megolm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
        alice
            .set_state(&room, "m.room.encryption", "", megolm.clone())
            .await;
        alice
            .set_state(&room, "m.room.server_acl", "", json!({ "allow": ["*"] }))
            .await;
        let name = alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await;
        let (_, state) = alice.get(&room_path(&room, "state")).await;
        let mut refused = 0;
        for event in state.as_array().expect("a list") {
            let kind = event["type"].as_str().expect("a type");
            if !["m.room.create", "m.room.encryption", "m.room.server_acl"].contains(&kind) {
                continue;
            }
            let id = event["event_id"].as_str().expect("an id");
            let path = room_path(&room, &format!("redact/{}/{refused}", enc(id)));
            assert_eq!(
                refusal(alice.put(&path, json!({})).await),
                (403, "M_FORBIDDEN".to_owned()),
                "{kind}"
            );
            // Nor by a redaction that calls itself state.
            let path = room_path(&room, "state/m.room.redaction");
            assert_eq!(alice.put(&path, json!({ "redacts": id })).await.0, 400, "{kind}");
            refused += 1;
        }
        assert_eq!(refused, 3);
        let (_, content) = alice.get(&room_path(&room, "state/m.room.encryption")).await;
        assert_eq!(content, megolm);
        let path = room_path(&room, &format!("redact/{}/name", enc(&name)));
        assert_eq!(alice.put(&path, json!({})).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn who_is_outside_learns_nothing_of_the_members() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let (carol, dora) = (server.user("carol").await, server.user("dora").await);
        let eve = server.user("eve").await;
        alice.invite(&room, &carol).await;
        let banned = json!({ "user_id": dora.id });
        assert_eq!(alice.post(&room_path(&room, "ban"), banned).await.0, 200);
        for operation in ["invite", "kick", "ban", "unban"] {
            let mut answers = Vec::new();
            for target in [
                "@ghost:test.example",
                "@frank:test.example",
                bob.id.as_str(),
                carol.id.as_str(),
                dora.id.as_str(),
            ] {
                answers.push(
                    eve.post(&room_path(&room, operation), json!({ "user_id": target }))
                        .await,
                );
            }
            assert_eq!(answers[0].0, 403, "{operation}: {answers:?}");
            assert!(
                answers.iter().all(|answer| *answer == answers[0]),
                "{operation}: {answers:?}"
            );
            // Who was invited or banned isn't in the room either.
            for outsider in [&carol, &dora] {
                let answer = outsider
                    .post(&room_path(&room, operation), json!({ "user_id": bob.id }))
                    .await;
                assert_eq!(answer, answers[0], "{operation}");
            }
        }
        for membership in ["invite", "ban", "leave"] {
            let mut answers = Vec::new();
            for target in [
                "@ghost:test.example",
                bob.id.as_str(),
                carol.id.as_str(),
                dora.id.as_str(),
            ] {
                let path = room_path(&room, &format!("state/m.room.member/{}", enc(target)));
                answers.push(eve.put(&path, json!({ "membership": membership })).await);
            }
            assert_eq!(answers[0].0, 403, "{membership}: {answers:?}");
            assert!(
                answers.iter().all(|answer| *answer == answers[0]),
                "{membership}: {answers:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_invitation_sent_as_state_is_an_invitation_like_any_other() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let carol = server.user("carol").await;
        let path = |user: &str| room_path(&room, &format!("state/m.room.member/{}", enc(user)));
        let forged = json!({
            "membership": "invite", "displayname": "Mayor", "avatar_url": "mxc://test.example/x", "reason": "Akten",
        });
        let ghost = alice.put(&path("@ghost:test.example"), forged.clone()).await;
        assert_eq!(refusal(ghost), (404, "M_NOT_FOUND".to_owned()));
        let inside = alice.put(&path(bob.id.as_str()), forged.clone()).await;
        assert_eq!(refusal(inside), (403, "M_FORBIDDEN".to_owned()));
        let (status, first) = alice.put(&path(carol.id.as_str()), forged.clone()).await;
        assert_eq!(status, 200, "{first}");
        assert_eq!(alice.put(&path(carol.id.as_str()), forged).await, (200, first));
        let (_, content) = alice.get(&path(carol.id.as_str())).await;
        assert_eq!(content, json!({ "membership": "invite", "displayname": "carol", "reason": "Akten" }));
        carol.join(&room).await;

        for (membership, status) in [("join", 403), ("leave", 200), ("leave", 403), ("ban", 200), ("ban", 200), ("leave", 200)] {
            let answer = alice.put(&path(bob.id.as_str()), json!({ "membership": membership })).await;
            assert_eq!(answer.0, status, "{membership}: {}", answer.1);
        }
        let own_name = json!({ "membership": "join", "displayname": "Carol of the works" });
        assert_eq!(carol.put(&path(carol.id.as_str()), own_name).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn every_way_to_invite_counts() {
    let rate = Rate {
        per_second: 0.001,
        burst: 3,
    };
    TestServer::with(|settings| settings.limits = Some(Rates::new([(Kind::Invite, rate)])))
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            let (carol, dora) = (server.user("carol").await, server.user("dora").await);
            let all = json!({ "invite": [bob.id, carol.id, dora.id, "@ghost:test.example"] });
            let answer = alice.post("/_matrix/client/v3/createRoom", all).await;
            assert_eq!(refusal(answer), (429, "M_LIMIT_EXCEEDED".to_owned()));
            let room = alice.create_room(json!({ "invite": [bob.id] })).await;
            alice.invite(&room, &carol).await;
            let path = room_path(&room, &format!("state/m.room.member/{}", enc(dora.id.as_str())));
            let invite = json!({ "membership": "invite" });
            assert_eq!(alice.put(&path, invite.clone()).await.0, 200);
            assert_eq!(
                refusal(alice.put(&path, invite).await),
                (429, "M_LIMIT_EXCEEDED".to_owned())
            );
            let answer = alice
                .post("/_matrix/client/v3/createRoom", json!({ "invite": [bob.id] }))
                .await;
            assert_eq!(refusal(answer), (429, "M_LIMIT_EXCEEDED".to_owned()));
        })
        .await;
}

#[tokio::test]
async fn plaintext_is_refused_where_encryption_is_required() {
    TestServer::with(|settings| settings.encryption = Encryption::Required)
        .each(async |server| {
            let alice = server.user("alice").await;
            let room = alice.create_room(json!({ "preset": "private_chat" })).await;
            let (status, content) = alice.get(&room_path(&room, "state/m.room.encryption")).await;
            assert_eq!((status, &content["algorithm"]), (200, &json!("m.megolm.v1.aes-sha2")));

            let text = json!({ "msgtype": "m.text", "body": "hi" });
            let (status, refused) = alice.put(&room_path(&room, "send/m.room.message/1"), text).await;
            assert_eq!((status, &refused["errcode"]), (403, &json!("M_FORBIDDEN")));
            assert!(refused["error"].as_str().expect("words").contains("encrypted"), "{refused}");
            for weaker in [json!({}), json!({ "algorithm": "none" })] {
                let answer = alice.put(&room_path(&room, "state/m.room.encryption"), weaker).await;
                assert_eq!(refusal(answer), (403, "M_FORBIDDEN".to_owned()));
            }
            let encrypted = json!({
                "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "sender_key": "a", "device_id": "b", "session_id": "c",
            });
            alice.send(&room, "m.room.encrypted", encrypted).await;
        })
        .await;
}

#[tokio::test]
async fn history_is_read_in_pages_in_both_directions() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let mut sent = Vec::new();
        for number in 0..25 {
            sent.push(alice.send_text(&room, &format!("number {number}")).await);
        }
        let walk = async |direction: &str, limit: usize| {
            let (mut found, mut from) = (Vec::new(), String::new());
            loop {
                let (status, page) = bob
                    .get(&room_path(
                        &room,
                        &format!("messages?dir={direction}&limit={limit}{from}"),
                    ))
                    .await;
                assert_eq!(status, 200, "{page}");
                let chunk = page["chunk"].as_array().expect("events");
                assert!(chunk.len() <= limit);
                let ids = chunk
                    .iter()
                    .map(|event| event["event_id"].as_str().expect("an id").to_owned());
                found.extend(ids.filter(|id| sent.contains(id)));
                match page["end"].as_str() {
                    Some(end) if !chunk.is_empty() => from = format!("&from={}", enc(end)),
                    _ => return found,
                }
            }
        };
        assert_eq!(walk("f", 7).await, sent);
        let mut back = walk("b", 4).await;
        back.reverse();
        assert_eq!(back, sent);

        let middle = room_path(&room, &format!("context/{}?limit=4", enc(&sent[12])));
        let (_, around) = bob.get(&middle).await;
        assert_eq!(around["event"]["event_id"], json!(sent[12]));
        assert_eq!(around["events_before"][0]["event_id"], json!(sent[11]));
        assert_eq!(around["events_after"][0]["event_id"], json!(sent[13]));
    })
    .await;
}

#[tokio::test]
async fn who_joins_later_sees_what_the_history_visibility_allows() {
    TestServer::each(async |server| {
        for (visibility, sees_before, sees_invited) in
            [("shared", true, true), ("invited", false, true), ("joined", false, false), ("world_readable", true, true)]
        {
            let alice = server.user(&format!("alice-{}", visibility.replace('_', "-"))).await;
            let bob = server.user(&format!("bob-{}", visibility.replace('_', "-"))).await;
            let room = alice
                .create_room(json!({
                    "preset": "private_chat",
                    "initial_state": [{ "type": "m.room.history_visibility", "content": { "history_visibility": visibility } }],
                }))
                .await;
            let before = alice.send_text(&room, "before").await;
            alice.invite(&room, &bob).await;
            let invited = alice.send_text(&room, "invited").await;
            bob.join(&room).await;
            let joined = alice.send_text(&room, "joined").await;
            bob.leave(&room).await;
            let after = alice.send_text(&room, "after").await;
            let expected =
                [(&before, sees_before), (&invited, sees_invited), (&joined, true), (&after, visibility == "world_readable")];
            let (_, page) = bob.get(&room_path(&room, "messages?dir=b&limit=100")).await;
            for (event, is_seen) in expected {
                assert_eq!(page.to_string().contains(event.as_str()), is_seen, "{visibility}: {event}");
                let (status, _) = bob.get(&room_path(&room, &format!("event/{}", enc(event)))).await;
                assert_eq!(status == 200, is_seen, "{visibility}: {event}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_refused_with_its_errcode_and_leaves_nothing() {
    TestServer::each(async |server| {
        let (alice, _, room) = two_in_a_room(&server).await;
        let before = alice.sync(None).await["next_batch"].clone();
        let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
        let cases = [
            (json!({ "body": "x".repeat(70_000) }), 413, "M_TOO_LARGE"),
            (json!({ "body": "nul \u{0}" }), 400, "M_BAD_JSON"),
            (json!({ "n": 9_007_199_254_740_992_i64 }), 400, "M_BAD_JSON"),
            (json!({ "n": 1.5 }), 400, "M_BAD_JSON"),
            (json!([]), 400, "M_BAD_JSON"),
            (json!({ "deep": deep }), 400, "M_BAD_JSON"),
        ];
        for (number, (content, status, errcode)) in cases.into_iter().enumerate() {
            let path = room_path(&room, &format!("send/m.room.message/bad{number}"));
            assert_eq!(
                refusal(alice.put(&path, content).await),
                (status, errcode.to_owned()),
                "case {number}"
            );
        }
        let long = "x".repeat(256);
        let kind = room_path(&room, &format!("send/{long}/1"));
        assert_eq!(
            refusal(alice.put(&kind, json!({})).await),
            (413, "M_TOO_LARGE".to_owned())
        );
        let key = room_path(&room, &format!("state/a.b/{long}"));
        assert_eq!(
            refusal(alice.put(&key, json!({})).await),
            (413, "M_TOO_LARGE".to_owned())
        );
        let nul = room_path(&room, "state/a.b/%00");
        assert_eq!(alice.put(&nul, json!({})).await.0, 400);
        assert_eq!(
            alice
                .get(&room_path(&room, "messages?dir=b&from=rubbish"))
                .await
                .0,
            400
        );
        assert_eq!(alice.get("/_matrix/client/v3/rooms/rubbish/state").await.0, 400);
        assert_eq!(alice.sync(None).await["next_batch"], before);
        alice.send_text(&room, "still alive").await;
    })
    .await;
}

#[tokio::test]
async fn an_address_leads_to_its_room_and_only_there() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let body = json!({ "preset": "public_chat", "room_alias_name": "rathaus" });
        let room = alice.create_room(body.clone()).await;
        let taken = bob.post("/_matrix/client/v3/createRoom", body).await;
        assert_eq!(refusal(taken), (400, "M_ROOM_IN_USE".to_owned()));
        let join = format!("/_matrix/client/v3/join/{}", enc("#rathaus:test.example"));
        let (status, joined) = bob.post(&join, json!({})).await;
        assert_eq!((status, &joined["room_id"]), (200, &json!(room)));
        let other = bob.create_room(json!({})).await;
        let alias = json!({ "alias": "#rathaus:test.example" });
        let refused = bob
            .put(&room_path(&other, "state/m.room.canonical_alias"), alias)
            .await;
        assert_eq!(refusal(refused), (400, "M_BAD_ALIAS".to_owned()));
        let nobody = format!("/_matrix/client/v3/join/{}", enc("#nichts:test.example"));
        assert_eq!(bob.post(&nobody, json!({})).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn state_that_is_so_already_is_not_sent_again() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await;
        assert_eq!(
            alice
                .set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
                .await,
            first
        );
        let second = alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauhof" }))
            .await;
        assert_ne!(second, first);
        let refused = bob
            .put(&room_path(&room, "state/m.room.name"), json!({ "name": "Meins" }))
            .await;
        assert_eq!(refusal(refused), (403, "M_FORBIDDEN".to_owned()));
        let (_, event) = bob
            .get(&room_path(&room, &format!("event/{}", enc(&second))))
            .await;
        assert_eq!(event["unsigned"]["prev_content"]["name"], "Bauamt");
        let (_, content) = bob.get(&room_path(&room, "state/m.room.name")).await;
        assert_eq!(content, json!({ "name": "Bauhof" }));
        let (_, content) = bob.get(&room_path(&room, "state/m.room.name/")).await;
        assert_eq!(content, json!({ "name": "Bauhof" }));
        assert_eq!(bob.get(&room_path(&room, "state/m.room.avatar/")).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_room_is_shown_at_a_glance_to_those_who_may_read_it() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let room = alice
            .create_room(json!({ "preset": "public_chat", "visibility": "public", "name": "Lobby" }))
            .await;
        let path = format!("/_matrix/client/v3/rooms/{}/initialSync", enc(&room));
        let mut sent = Vec::new();
        for n in 0..22 {
            sent.push(alice.send_text(&room, &format!("message {n}")).await);
        }
        let tag = format!(
            "/_matrix/client/v3/user/{}/rooms/{}/tags/m.favourite",
            alice.id,
            enc(&room)
        );
        assert_eq!(alice.put(&tag, json!({})).await.0, 200);

        let (status, shown) = alice.get(&path).await;
        assert_eq!(status, 200, "{shown}");
        assert_eq!(
            (&shown["room_id"], &shown["membership"]),
            (&json!(room), &json!("join"))
        );
        assert_eq!(shown["visibility"], "public");
        assert_eq!(shown["account_data"][0]["type"], "m.tag");
        let ids = |chunk: &Value| -> Vec<String> {
            let chunk = chunk.as_array().expect("events").iter();
            chunk
                .map(|event| event["event_id"].as_str().expect("an id").to_owned())
                .collect()
        };
        assert_eq!(
            ids(&shown["messages"]["chunk"]),
            sent[2..],
            "the newest, oldest first"
        );
        let state = shown["state"].as_array().expect("state");
        assert!(
            state.iter().any(|event| event["content"]["name"] == "Lobby"),
            "{shown}"
        );
        let older = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=2&from={}",
            enc(&room),
            shown["messages"]["start"].as_str().expect("a token")
        );
        let (_, older) = alice.get(&older).await;
        assert_eq!(ids(&older["chunk"]), [sent[1].clone(), sent[0].clone()]);
        assert_eq!(alice.get(&path).await, (200, shown), "the same request again");

        assert_eq!(bob.get(&path).await.0, 403);
        alice
            .set_state(
                &room,
                "m.room.history_visibility",
                "",
                json!({ "history_visibility": "world_readable" }),
            )
            .await;
        let (status, peeked) = bob.get(&path).await;
        assert_eq!(status, 200, "{peeked}");
        assert!(
            peeked["membership"].is_null() && peeked["account_data"].is_null(),
            "{peeked}"
        );
        let last = peeked["messages"]["chunk"]
            .as_array()
            .and_then(|chunk| chunk.last());
        assert_eq!(
            last.map(|event| &event["type"]),
            Some(&json!("m.room.history_visibility"))
        );
        assert_eq!(server.get(&path, None).await.0, 401);
        let unknown = "/_matrix/client/v3/rooms/%21unknown%3Atest.example/initialSync";
        assert_eq!(bob.get(unknown).await.0, 403);
    })
    .await;
}
