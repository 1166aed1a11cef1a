//! Sliding sync on both engines, on both paths.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

const UNSTABLE: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const STABLE: &str = "/_matrix/client/v4/sync";

/// One request of a connection; answers the whole answer.
async fn ask(user: &User, pos: Option<&str>, body: Value) -> Value {
    let pos = pos.map(|pos| format!("?pos={}", enc(pos))).unwrap_or_default();
    let (status, answer) = user.post(&format!("{UNSTABLE}{pos}"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn pos(answer: &Value) -> String {
    answer["pos"].as_str().expect("a position").to_owned()
}

/// One list over so many rooms.
fn list(last: u64, timeline_limit: u64, required_state: Value) -> Value {
    json!({ "lists": { "all": {
        "ranges": [[0, last]], "timeline_limit": timeline_limit, "required_state": required_state,
    } } })
}

fn everything() -> Value {
    list(99, 10, json!([["*", "*"]]))
}

fn rooms(answer: &Value) -> Vec<String> {
    let rooms = answer["rooms"].as_object().expect("rooms");
    rooms.keys().cloned().collect()
}

fn bodies(room: &Value) -> Vec<&str> {
    let events = room["timeline"].as_array().map_or(&[][..], Vec::as_slice);
    events
        .iter()
        .filter_map(|event| event["content"]["body"].as_str())
        .collect()
}

/// Type and state key of the required state.
fn state(room: &Value) -> Vec<(String, String)> {
    let events = room["required_state"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let mut keys: Vec<_> = events
        .iter()
        .map(|event| (text(event, "type"), text(event, "state_key")))
        .collect();
    keys.sort();
    keys
}

fn has(room: &Value, kind: &str, key: &str) -> bool {
    state(room).contains(&(kind.to_owned(), key.to_owned()))
}

async fn two_in_a_room(server: &TestServer) -> (User, User, String) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = alice
        .create_room(json!({ "preset": "private_chat", "name": "Bauamt", "invite": [bob.id] }))
        .await;
    bob.join(&room).await;
    (alice, bob, room)
}

#[tokio::test]
async fn a_room_is_told_wholly_at_first_and_then_what_changed() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "one").await;
        let first = ask(&bob, None, everything()).await;
        assert_eq!(first["lists"]["all"]["count"], 1);
        let told = &first["rooms"][&room];
        assert_eq!(told["initial"], true);
        assert_eq!(told["name"], "Bauamt");
        assert_eq!(
            (&told["joined_count"], &told["invited_count"]),
            (&json!(2), &json!(0))
        );
        assert_eq!(bodies(told), ["one"]);
        assert_eq!(told["num_live"], 0);
        assert_eq!(told["notification_count"], 1);
        assert!(has(told, "m.room.create", "") && has(told, "m.room.member", bob.id.as_str()));

        let nothing = ask(&bob, Some(&pos(&first)), everything()).await;
        assert_eq!(nothing["rooms"], json!({}));
        alice.send_text(&room, "two").await;
        let second = ask(&bob, Some(&pos(&nothing)), everything()).await;
        let told = &second["rooms"][&room];
        assert_eq!((&told["initial"], &told["name"]), (&Value::Null, &Value::Null));
        assert_eq!(bodies(told), ["two"]);
        assert_eq!(
            (&told["num_live"], &told["notification_count"]),
            (&json!(1), &json!(2))
        );
        assert!(told["limited"].is_null() && state(told).is_empty());
        assert!(told["bump_stamp"].as_i64() > first["rooms"][&room]["bump_stamp"].as_i64());

        alice
            .set_state(&room, "m.room.name", "", json!({ "name": "Bauhof" }))
            .await;
        let third = ask(&bob, Some(&pos(&second)), everything()).await;
        let told = &third["rooms"][&room];
        assert_eq!(told["name"], "Bauhof");
        assert_eq!(state(told), [("m.room.name".to_owned(), String::new())]);
        assert_eq!(told["bump_stamp"], second["rooms"][&room]["bump_stamp"]);
    })
    .await;
}

#[tokio::test]
async fn the_stable_path_has_the_names_of_the_proposal() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice.send_text(&room, "one").await;
        let invited = alice
            .create_room(json!({ "name": "Kasse", "invite": [bob.id] }))
            .await;
        let body = |pos: Option<&str>, limit: u64| {
            json!({ "conn_id": "main", "pos": pos, "timeout": 0, "lists": { "all": {
                "timeline_limit": limit,
                "required_state": {
                    "include": [{}], "exclude": [{ "type": "m.room.create" }], "lazy_members": true,
                },
            } } })
        };
        let (status, first) = bob.post(STABLE, body(None, 1)).await;
        assert_eq!(status, 200, "{first}");
        let told = &first["rooms"][&room];
        assert_eq!(
            (&told["membership"], &told["lists"]),
            (&json!("join"), &json!(["all"]))
        );
        assert_eq!(told["timeline_events"][0]["content"]["body"], "one");
        assert!(!has(told, "m.room.create", "") && has(told, "m.room.name", ""));
        assert_eq!(first["rooms"][&invited]["membership"], "invite");
        assert!(first["rooms"][&invited]["stripped_state"].is_array());

        let (_, second) = bob.post(STABLE, body(Some(&pos(&first)), 5)).await;
        let told = &second["rooms"][&room];
        assert_eq!(told["expanded_timeline"], true);
        assert_eq!(told["timeline_events"].as_array().map(Vec::len), Some(5));
        assert_eq!((&told["num_live"], &told["initial"]), (&json!(0), &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn a_window_shows_the_newest_rooms_and_grows_by_those_that_were_not_shown() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let mut made = Vec::new();
        for number in 0..6 {
            let body = json!({ "name": format!("{number}"), "invite": [bob.id] });
            let room = alice.create_room(body).await;
            bob.join(&room).await;
            made.push(room);
        }
        let first = ask(&bob, None, list(1, 1, json!([]))).await;
        assert_eq!(first["lists"]["all"]["count"], 6);
        let mut newest = [made[4].clone(), made[5].clone()];
        newest.sort();
        assert_eq!(rooms(&first), newest);

        let second = ask(&bob, Some(&pos(&first)), list(3, 1, json!([]))).await;
        let mut next = [made[2].clone(), made[3].clone()];
        next.sort();
        assert_eq!(rooms(&second), next);

        // What falls out of the window and has news is told when it comes back, with what was missed.
        let narrow = ask(&bob, Some(&pos(&second)), list(0, 1, json!([]))).await;
        assert!(rooms(&narrow).is_empty());
        alice.send_text(&made[3], "missed").await;
        alice.send_text(&made[5], "on top").await;
        let third = ask(&bob, Some(&pos(&narrow)), list(0, 10, json!([]))).await;
        assert_eq!(rooms(&third), [made[5].clone()]);
        let wide = ask(&bob, Some(&pos(&third)), list(99, 1, json!([]))).await;
        let mut left = [made[0].clone(), made[1].clone(), made[3].clone()];
        left.sort();
        assert_eq!(rooms(&wide), left);
        let back = &wide["rooms"][&made[3]];
        assert_eq!((bodies(back), &back["initial"]), (vec!["missed"], &Value::Null));
        let rest = ask(&bob, Some(&pos(&wide)), list(99, 1, json!([]))).await;
        assert!(rooms(&rest).is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_made_again_and_older_positions_are_refused() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = ask(&bob, None, everything()).await;
        alice.send_text(&room, "one").await;
        let lost = ask(&bob, Some(&pos(&first)), everything()).await;
        assert_eq!(bodies(&lost["rooms"][&room]), ["one"]);
        let again = ask(&bob, Some(&pos(&first)), everything()).await;
        assert_eq!(bodies(&again["rooms"][&room]), ["one"]);
        let next = ask(&bob, Some(&pos(&again)), everything()).await;
        assert!(rooms(&next).is_empty());
        for old in [pos(&first), pos(&lost), "s1_p5".to_owned(), "nonsense".to_owned()] {
            let (status, answer) = bob
                .post(&format!("{UNSTABLE}?pos={}", enc(&old)), everything())
                .await;
            assert_eq!(
                (status, &answer["errcode"]),
                (400, &json!("M_UNKNOWN_POS")),
                "{old}"
            );
        }
        // Another connection, another device, another user: none knows it.
        let path = format!("{UNSTABLE}?pos={}", enc(&pos(&next)));
        let mut other = everything();
        other["conn_id"] = json!("other");
        assert_eq!(bob.post(&path, other).await.0, 400);
        assert_eq!(alice.post(&path, everything()).await.0, 400);
        assert_eq!(bob.post(&path, everything()).await.0, 200);
    })
    .await;
}

/// A client that opens a room breaks off the request that waits and asks again from the same position. Nobody tells the
/// server, which may answer the request that was broken off last.
#[tokio::test]
async fn a_request_that_was_broken_off_may_be_answered_late() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = ask(&bob, None, everything()).await;
        alice.send_text(&room, "one").await;
        let heard = ask(&bob, Some(&pos(&first)), everything()).await;
        let _broken_off = ask(&bob, Some(&pos(&first)), everything()).await;
        alice.send_text(&room, "two").await;
        let next = ask(&bob, Some(&pos(&heard)), everything()).await;
        assert_eq!(bodies(&next["rooms"][&room]), ["two"]);
        let _broken_off = ask(&bob, Some(&pos(&heard)), everything()).await;
        alice.send_text(&room, "three").await;
        let last = ask(&bob, Some(&pos(&next)), everything()).await;
        assert_eq!(bodies(&last["rooms"][&room]), ["three"]);
    })
    .await;
}

#[tokio::test]
async fn after_a_restart_rooms_begin_anew_and_keys_go_on() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let keys = json!({ "conn_id": "encryption", "extensions": { "e2ee": { "enabled": true } } });
        let first = ask(&bob, None, everything()).await;
        let of_keys = ask(&bob, None, keys.clone()).await;
        server.restart().await;
        let path = format!("{UNSTABLE}?pos={}", enc(&pos(&first)));
        let (status, answer) = bob.post(&path, everything()).await;
        assert_eq!((status, &answer["errcode"]), (400, &json!("M_UNKNOWN_POS")));
        assert_eq!(
            rooms(&ask(&bob, None, everything()).await),
            std::slice::from_ref(&room)
        );
        alice.leave(&room).await;
        let answer = ask(&bob, Some(&pos(&of_keys)), keys).await;
        let left = &answer["extensions"]["e2ee"]["device_lists"]["left"];
        assert_eq!(left, &json!([alice.id]), "nothing was missed");
    })
    .await;
}

#[tokio::test]
async fn connections_of_one_device_go_on_beside_each_other() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let named = |name: &str| {
            let mut body = everything();
            body["conn_id"] = json!(name);
            body
        };
        let one = ask(&bob, None, named("one")).await;
        let two = ask(&bob, None, named("two")).await;
        alice.send_text(&room, "for both").await;
        for (name, first) in [("one", one), ("two", two)] {
            let answer = ask(&bob, Some(&pos(&first)), named(name)).await;
            assert_eq!(bodies(&answer["rooms"][&room]), ["for both"]);
        }
    })
    .await;
}

#[tokio::test]
async fn required_state_is_what_was_asked_for_and_more_comes_when_more_is_asked() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        alice
            .set_state(&room, "m.space.child", "!a:x", json!({ "via": ["x"] }))
            .await;
        alice
            .set_state(&room, "m.space.child", "!b:x", json!({ "via": ["x"] }))
            .await;
        let wanted = json!([
            ["m.room.name", ""],
            ["m.room.member", "$ME"],
            ["m.space.child", "*"]
        ]);
        let first = ask(&bob, None, list(9, 1, wanted)).await;
        let key = |kind: &str, key: &str| (kind.to_owned(), key.to_owned());
        assert_eq!(
            state(&first["rooms"][&room]),
            [
                key("m.room.member", bob.id.as_str()),
                key("m.room.name", ""),
                key("m.space.child", "!a:x"),
                key("m.space.child", "!b:x"),
            ]
        );
        let more = json!([["m.room.name", ""], ["m.room.create", ""]]);
        let second = ask(&bob, Some(&pos(&first)), list(9, 1, more.clone())).await;
        let told = &second["rooms"][&room];
        assert!(has(told, "m.room.create", "") && !has(told, "m.space.child", "!a:x"));
        let third = ask(&bob, Some(&pos(&second)), list(9, 1, more)).await;
        assert!(rooms(&third).is_empty());
    })
    .await;
}

#[tokio::test]
async fn lazy_members_come_with_their_first_event_and_once() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let lazy = || list(9, 1, json!([["m.room.member", "$LAZY"]]));
        alice.send_text(&room, "one").await;
        let first = ask(&bob, None, lazy()).await;
        let member = |user: &User| ("m.room.member".to_owned(), user.id.to_string());
        assert_eq!(state(&first["rooms"][&room]), [member(&alice)]);
        alice.send_text(&room, "two").await;
        let second = ask(&bob, Some(&pos(&first)), lazy()).await;
        assert!(state(&second["rooms"][&room]).is_empty());
        let carol = server.user("carol").await;
        alice.invite(&room, &carol).await;
        carol.join(&room).await;
        let third = ask(&bob, Some(&pos(&second)), lazy()).await;
        // A gap: who is spoken of, no other change of members.
        assert_eq!(third["rooms"][&room]["limited"], true);
        assert_eq!(state(&third["rooms"][&room]), [member(&carol)]);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_shows_stripped_state_and_a_join_brings_the_room() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let first = ask(&bob, None, everything()).await;
        assert!(rooms(&first).is_empty());
        let room = alice
            .create_room(json!({ "name": "Bauamt", "invite": [bob.id] }))
            .await;
        alice.send_text(&room, "canary").await;
        let second = ask(&bob, Some(&pos(&first)), everything()).await;
        let told = &second["rooms"][&room];
        assert_eq!(told["initial"], true);
        let stripped = told["invite_state"].as_array().expect("stripped state");
        assert!(stripped.iter().any(|event| event["type"] == "m.room.name"));
        for key in [
            "timeline",
            "required_state",
            "joined_count",
            "name",
            "prev_batch",
            "heroes",
        ] {
            assert!(told[key].is_null(), "{key} is not for those outside");
        }
        assert!(!second.to_string().contains("canary"));
        // What happens inside is no news to the invited.
        alice.send_text(&room, "canary").await;
        let third = ask(&bob, Some(&pos(&second)), everything()).await;
        assert!(rooms(&third).is_empty());
        bob.join(&room).await;
        let joined = ask(&bob, Some(&pos(&third)), everything()).await;
        let told = &joined["rooms"][&room];
        assert_eq!(
            (&told["initial"], &told["name"]),
            (&json!(true), &json!("Bauamt"))
        );
        assert!(told["invite_state"].is_null());
    })
    .await;
}

#[tokio::test]
async fn who_left_or_was_banned_learns_that_and_nothing_after() {
    TestServer::each(async |server| {
        for leaves in [true, false] {
            let name = if leaves { "carla" } else { "clara" };
            let (alice, bob) = (server.user(&format!("a{name}")).await, server.user(name).await);
            let room = alice
                .create_room(json!({ "name": "before", "invite": [bob.id] }))
                .await;
            bob.join(&room).await;
            let mut body = everything();
            body["room_subscriptions"] =
                json!({ &room: { "timeline_limit": 20, "required_state": [["*", "*"]] } });
            let first = ask(&bob, None, body.clone()).await;
            alice.send_text(&room, "inside").await;
            if leaves {
                bob.leave(&room).await;
            } else {
                let path = format!("/_matrix/client/v3/rooms/{}/ban", enc(&room));
                assert_eq!(alice.post(&path, json!({ "user_id": bob.id })).await.0, 200);
            }
            alice.send_text(&room, "canary").await;
            alice
                .set_state(&room, "m.room.name", "", json!({ "name": "canary" }))
                .await;
            let told = ask(&bob, Some(&pos(&first)), body.clone()).await;
            let text = told.to_string();
            assert!(text.contains("inside") && !text.contains("canary"), "{text}");
            let member = told["rooms"][&room]["required_state"].as_array().expect("state");
            let own = member
                .iter()
                .find(|event| event["state_key"] == bob.id.as_str())
                .expect("their own");
            assert_eq!(own["content"]["membership"], if leaves { "leave" } else { "ban" });
            assert!(told["rooms"][&room]["joined_count"].is_null());
            let after = ask(&bob, Some(&pos(&told)), body.clone()).await;
            assert!(rooms(&after).is_empty(), "{after}");
            // Anew: who left doesn't see the room, who was sent out sees it as it was then.
            let anew = ask(&bob, None, body).await;
            let text = anew.to_string();
            assert!(!text.contains("canary"), "{text}");
            assert_eq!(rooms(&anew).is_empty(), leaves);
        }
    })
    .await;
}

#[tokio::test]
async fn a_subscription_to_a_room_one_is_not_in_says_nothing() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let private = alice
            .create_room(json!({ "preset": "private_chat", "name": "canary" }))
            .await;
        let public = alice
            .create_room(json!({ "preset": "public_chat", "name": "canary" }))
            .await;
        // An invitation that was taken back: never inside.
        let refused = alice
            .create_room(json!({ "name": "canary", "invite": [bob.id] }))
            .await;
        let path = format!("/_matrix/client/v3/rooms/{}/kick", enc(&refused));
        assert_eq!(alice.post(&path, json!({ "user_id": bob.id })).await.0, 200);
        let config = json!({ "timeline_limit": 20, "required_state": [["*", "*"]] });
        let unknown = "!unknown:test.example";
        let mut body = everything();
        body["room_subscriptions"] =
            json!({ &private: config, &public: config, &refused: config, unknown: config });
        body["extensions"] = json!({
            "receipts": { "enabled": true, "rooms": [private, unknown] },
            "typing": { "enabled": true, "rooms": [private] },
        });
        let first = ask(&bob, None, body.clone()).await;
        assert!(rooms(&first).is_empty(), "{first}");
        let event = alice.send_text(&private, "canary").await;
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read/{}",
            enc(&private),
            enc(&event)
        );
        assert_eq!(alice.post(&path, json!({})).await.0, 200);
        let second = ask(&bob, Some(&pos(&first)), body).await;
        assert!(rooms(&second).is_empty() && !second.to_string().contains("canary"));
        assert_eq!(second["extensions"], json!({}));
    })
    .await;
}

#[tokio::test]
async fn filters_choose_rooms() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let plain = bob.create_room(json!({ "preset": "private_chat" })).await;
        let space = bob
            .create_room(json!({ "creation_content": { "type": "m.space" } }))
            .await;
        let direct = bob.create_room(json!({ "is_direct": true })).await;
        let invited = alice.create_room(json!({ "invite": [bob.id] })).await;
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.direct",
            enc(bob.id.as_str())
        );
        assert_eq!(
            bob.put(&path, json!({ alice.id.as_str(): [direct] })).await.0,
            200
        );
        let path = format!(
            "/_matrix/client/v3/user/{}/rooms/{}/tags/m.favourite",
            enc(bob.id.as_str()),
            enc(&plain)
        );
        assert_eq!(bob.put(&path, json!({ "order": 0.5 })).await.0, 200);
        bob.set_state(
            &space,
            "m.space.child",
            &direct,
            json!({ "via": ["test.example"] }),
        )
        .await;
        for (filters, wanted) in [
            (json!({ "is_dm": true }), vec![&direct]),
            (
                json!({ "is_dm": false, "is_invite": false, "not_room_types": ["m.space"] }),
                vec![&plain],
            ),
            (json!({ "is_invite": true }), vec![&invited]),
            (json!({ "is_invited": true }), vec![&invited]),
            (json!({ "room_types": ["m.space"] }), vec![&space]),
            (
                json!({ "room_types": ["m.space"], "not_room_types": ["m.space"] }),
                vec![],
            ),
            (
                json!({ "room_types": [null], "is_invite": false }),
                vec![&plain, &direct],
            ),
            (json!({ "is_encrypted": true }), vec![]),
            (json!({ "tags": ["m.favourite"] }), vec![&plain]),
            (
                json!({ "not_tags": ["m.favourite"], "is_invite": false }),
                vec![&space, &direct],
            ),
            (json!({ "spaces": [space] }), vec![&direct]),
            (json!({ "spaces": [plain, "!unknown:x"] }), vec![]),
        ] {
            let body = json!({ "lists": { "chosen": {
                "ranges": [[0, 9]], "timeline_limit": 1, "filters": filters,
            } } });
            let answer = ask(&bob, None, body).await;
            let mut wanted: Vec<String> = wanted.into_iter().cloned().collect();
            wanted.sort();
            assert_eq!(rooms(&answer), wanted, "{filters}");
            assert_eq!(answer["lists"]["chosen"]["count"], wanted.len(), "{filters}");
        }
    })
    .await;
}

#[tokio::test]
async fn extensions_bring_data_receipts_and_typing_of_rooms_that_are_known() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let mut body = everything();
        body["extensions"] = json!({
            "account_data": { "enabled": true },
            "receipts": { "enabled": true, "rooms": ["*"] },
            "typing": { "enabled": true },
        });
        let first = ask(&bob, None, body.clone()).await;
        let global = first["extensions"]["account_data"]["global"]
            .as_array()
            .expect("data");
        assert!(global.iter().any(|data| data["type"] == "m.push_rules"));

        let event = alice.send_text(&room, "one").await;
        for kind in ["m.read", "m.read.private"] {
            let path = format!(
                "/_matrix/client/v3/rooms/{}/receipt/{kind}/{}",
                enc(&room),
                enc(&event)
            );
            assert_eq!(alice.post(&path, json!({})).await.0, 200);
        }
        let path = format!(
            "/_matrix/client/v3/rooms/{}/typing/{}",
            enc(&room),
            enc(alice.id.as_str())
        );
        assert_eq!(
            alice
                .put(&path, json!({ "typing": true, "timeout": 30000 }))
                .await
                .0,
            200
        );
        let data = format!("/_matrix/client/v3/user/{}", enc(bob.id.as_str()));
        assert_eq!(
            bob.put(&format!("{data}/account_data/org.example.a"), json!({ "a": 1 }))
                .await
                .0,
            200
        );
        assert_eq!(
            bob.put(
                &format!("{data}/rooms/{}/account_data/org.example.b", enc(&room)),
                json!({ "b": 2 })
            )
            .await
            .0,
            200
        );
        let second = ask(&bob, Some(&pos(&first)), body.clone()).await;
        let part = &second["extensions"];
        assert_eq!(
            part["account_data"]["global"],
            json!([{ "type": "org.example.a", "content": { "a": 1 } }])
        );
        assert_eq!(
            part["account_data"]["rooms"][&room],
            json!([{ "type": "org.example.b", "content": { "b": 2 } }])
        );
        let receipts = &part["receipts"]["rooms"][&room];
        assert_eq!(receipts["type"], "m.receipt");
        assert!(receipts["content"][&event]["m.read"][alice.id.as_str()].is_object());
        assert!(receipts["content"][&event]["m.read.private"].is_null());
        assert_eq!(
            part["typing"]["rooms"][&room]["content"]["user_ids"],
            json!([alice.id])
        );

        // The user's own receipt changes what is unread.
        let path = format!(
            "/_matrix/client/v3/rooms/{}/receipt/m.read.private/{}",
            enc(&room),
            enc(&event)
        );
        assert_eq!(second["rooms"][&room]["notification_count"], 1);
        assert_eq!(bob.post(&path, json!({})).await.0, 200);
        let third = ask(&bob, Some(&pos(&second)), body.clone()).await;
        assert_eq!(third["rooms"][&room]["notification_count"], 0);
        let own = &third["extensions"]["receipts"]["rooms"][&room]["content"][&event];
        assert!(own["m.read.private"][bob.id.as_str()].is_object());

        // Told anew: the newest receipts come with the room, within the scope that was asked for.
        let anew = ask(&bob, None, body.clone()).await;
        assert!(anew["extensions"]["receipts"]["rooms"][&room]["content"][&event]["m.read"].is_object());
        body["extensions"]["receipts"] = json!({ "enabled": true, "lists": [], "rooms": [] });
        let none = ask(&bob, None, body).await;
        assert!(none["extensions"]["receipts"].is_null());
    })
    .await;
}

#[tokio::test]
async fn a_connection_for_keys_goes_on_after_a_restart_and_brings_messages_until_they_are_seen() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let body = |since: Option<&str>| {
            json!({ "conn_id": "encryption", "extensions": {
                "e2ee": { "enabled": true }, "to_device": { "enabled": true, "since": since },
            } })
        };
        let first = ask(&bob, None, body(None)).await;
        assert_eq!(
            first["extensions"]["e2ee"]["device_one_time_keys_count"]["signed_curve25519"],
            0
        );
        let since = first["extensions"]["to_device"]["next_batch"]
            .as_str()
            .expect("a token");
        let path = "/_matrix/client/v3/sendToDevice/m.test/1";
        let message = json!({ "messages": { bob.id.as_str(): { "*": { "hello": 1 } } } });
        assert_eq!(alice.put(path, message).await.0, 200);
        let second = ask(&bob, Some(&pos(&first)), body(Some(since))).await;
        let part = &second["extensions"]["to_device"];
        assert_eq!(part["events"][0]["content"]["hello"], 1);
        assert_eq!(part["events"][0]["sender"], alice.id.as_str());
        // Not acknowledged: it comes again.
        let again = ask(&bob, Some(&pos(&first)), body(Some(since))).await;
        assert_eq!(
            again["extensions"]["to_device"]["events"]
                .as_array()
                .map(Vec::len),
            Some(1)
        );
        let since = part["next_batch"].as_str().expect("a token");
        let third = ask(&bob, Some(&pos(&second)), body(Some(since))).await;
        assert_eq!(third["extensions"]["to_device"]["events"], json!([]));

        let room = alice.create_room(json!({ "invite": [bob.id] })).await;
        bob.join(&room).await;
        let fourth = ask(&bob, Some(&pos(&third)), body(Some(since))).await;
        assert_eq!(
            fourth["extensions"]["e2ee"]["device_lists"]["changed"],
            json!([alice.id])
        );
        bob.leave(&room).await;
        let fifth = ask(&bob, Some(&pos(&fourth)), body(Some(since))).await;
        assert_eq!(
            fifth["extensions"]["e2ee"]["device_lists"]["left"],
            json!([alice.id])
        );
        assert!(fifth["rooms"].as_object().is_some_and(serde_json::Map::is_empty));
    })
    .await;
}

#[tokio::test]
async fn a_waiting_request_is_answered_when_something_happens() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = ask(&bob, None, everything()).await;
        let path = format!("{UNSTABLE}?pos={}&timeout=60000", enc(&pos(&first)));
        let waiting = bob.post(&path, everything());
        let (answered, _) = tokio::join!(waiting, alice.send_text(&room, "news"));
        assert_eq!(answered.0, 200);
        let (pos, told) = (pos(&answered.1), &answered.1["rooms"][&room]);
        assert_eq!(bodies(told), ["news"]);
        // What was looked at while it waited is not told again.
        let next = ask(&bob, Some(&pos), everything()).await;
        assert!(rooms(&next).is_empty());
    })
    .await;
}

#[tokio::test]
async fn people_who_are_ignored_are_not_heard() {
    TestServer::each(async |server| {
        let (alice, bob, room) = two_in_a_room(&server).await;
        let first = ask(&bob, None, everything()).await;
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.ignored_user_list",
            enc(bob.id.as_str())
        );
        assert_eq!(
            bob.put(&path, json!({ "ignored_users": { alice.id.as_str(): {} } }))
                .await
                .0,
            200
        );
        alice.send_text(&room, "canary").await;
        alice
            .create_room(json!({ "name": "canary", "invite": [bob.id] }))
            .await;
        let second = ask(&bob, Some(&pos(&first)), everything()).await;
        assert!(!second.to_string().contains("canary"), "{second}");
        assert_eq!(second["lists"]["all"]["count"], 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_refused() {
    TestServer::each(async |server| {
        let bob = server.user("bob").await;
        for path in [UNSTABLE, STABLE] {
            let (status, answer) = server.post(path, None, json!({})).await;
            assert_eq!((status, &answer["errcode"]), (401, &json!("M_MISSING_TOKEN")));
            let (status, answer) = server.post(path, Some("nonsense"), json!({})).await;
            assert_eq!((status, &answer["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
            let many: serde_json::Map<String, Value> = (0..101)
                .map(|number| {
                    (
                        number.to_string(),
                        json!({ "ranges": [[0, 1]], "timeline_limit": 1 }),
                    )
                })
                .collect();
            let patterns: Vec<_> = (0..101)
                .map(|number| json!(["m.x", number.to_string()]))
                .collect();
            for (body, errcode) in [
                (json!({ "lists": 5 }), "M_BAD_JSON"),
                (
                    json!({ "lists": { "a": { "ranges": [[-1, 5]], "timeline_limit": 1 } } }),
                    "M_BAD_JSON",
                ),
                (
                    json!({ "room_subscriptions": { "not a room": { "timeline_limit": 1 } } }),
                    "M_BAD_JSON",
                ),
                (json!({ "lists": many }), "M_INVALID_PARAM"),
                (list(1, 1, json!(patterns)), "M_INVALID_PARAM"),
                (json!({ "conn_id": "x".repeat(300) }), "M_INVALID_PARAM"),
                (
                    json!({ "extensions": { "to_device": { "enabled": true, "since": "x" } } }),
                    "M_INVALID_PARAM",
                ),
                (
                    json!({ "extensions": { "typing": { "enabled": true, "rooms": ["x"] } } }),
                    "M_BAD_JSON",
                ),
            ] {
                let (status, answer) = bob.post(path, body.clone()).await;
                assert_eq!(
                    (status, &answer["errcode"]),
                    (400, &json!(errcode)),
                    "{body} {answer}"
                );
            }
            let (status, answer) = bob.post(&format!("{path}?timeout=soon"), json!({})).await;
            assert_eq!((status, &answer["errcode"]), (400, &json!("M_INVALID_PARAM")));
        }
        let (_, versions) = server.get("/_matrix/client/versions", None).await;
        assert_eq!(
            versions["unstable_features"]["org.matrix.simplified_msc3575"],
            true
        );
    })
    .await;
}

#[tokio::test]
async fn ranges_without_bounds_and_unknown_fields_do_no_harm() {
    TestServer::each(async |server| {
        let (_, bob, room) = two_in_a_room(&server).await;
        let body = json!({ "lists": { "a": {
            "ranges": [[5, 2], [0, u64::MAX]], "timeline_limit": u64::MAX, "required_state": [["*", "$ME"]],
            "filters": { "room_name_like": "x" }, "sort": ["by_name"],
        } }, "extensions": { "org.example": { "enabled": true } } });
        let answer = ask(&bob, None, body).await;
        assert_eq!(rooms(&answer), std::slice::from_ref(&room));
        assert_eq!(
            state(&answer["rooms"][&room]),
            [("m.room.member".to_owned(), bob.id.to_string())]
        );
    })
    .await;
}
