//! Memberships that users of other servers want in rooms of this one.

use rohrpost_testkit::{AskedMembership, Neighbours, Peer, TestServer, User, enc};
use serde_json::{Value, json};

use crate::pairs;

fn errcode((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["errcode"].as_str().unwrap_or_default().to_owned())
}

fn refusal(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

async fn membership(of: &User, room: &str, user: &User) -> Value {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/state/m.room.member/{}",
        enc(room),
        enc(user.id.as_str())
    );
    of.get(&path).await.1["membership"].clone()
}

async fn people(one: &TestServer, other: &TestServer) -> (User, User, Peer) {
    let (anna, berta) = (one.user("anna").await, other.user("berta").await);
    (anna, berta, Peer::of(other).await)
}

#[tokio::test]
async fn somebody_of_another_server_joins_and_is_told_the_room() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        for version in ["10", "11", "12"] {
            let body = json!({ "preset": "public_chat", "room_version": version, "name": "Kantine" });
            let room = anna.create_room(body).await;
            let (id, named, event) = peer
                .membership(&one, AskedMembership::Join, &room, &berta.id)
                .await;
            assert_eq!(named.as_str(), version);
            let place = (&*room, &*id);
            let (status, told) = peer.hand(&one, "v2/send_join", place, event.clone()).await;
            assert_eq!(status, 200, "{told}");
            assert_eq!(membership(&anna, &room, &berta).await, "join");
            let state = told["state"].as_array().expect("a state");
            assert!(state.iter().any(|event| event["type"] == "m.room.name"));
            assert!(
                state.iter().all(|event| event["state_key"] != json!(berta.id)),
                "the state before"
            );
            assert_eq!(told["event"]["content"]["membership"], "join");
            assert!(!told["auth_chain"].as_array().expect("a chain").is_empty());
            // Handed over again, it is answered again, and once more as in the first version.
            let again = peer.hand(&one, "v2/send_join", place, event.clone()).await;
            assert_eq!(again, (200, told.clone()));
            let first = peer.hand(&one, "v1/send_join", place, event).await;
            assert_eq!(first, (200, json!([200, told])));
        }
    })
    .await;
}

#[tokio::test]
async fn members_are_left_out_for_who_wants_it_so() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let carl = one.user("carl").await;
        for name in [Some("Kantine"), None] {
            let room = anna
                .create_room(json!({ "preset": "public_chat", "name": name }))
                .await;
            carl.join(&room).await;
            let (id, _, event) = peer
                .membership(&one, AskedMembership::Join, &room, &berta.id)
                .await;
            let path = format!(
                "/_matrix/federation/v2/send_join/{}/{}?omit_members=true",
                enc(&room),
                enc(&id)
            );
            let (status, told) = peer.put(&one, &path, event).await;
            assert_eq!((status, &told["members_omitted"]), (200, &json!(true)), "{told}");
            assert_eq!(told["servers_in_room"], json!([one.name()]));
            let state = told["state"].as_array().expect("a state");
            let members = state.iter().filter(|event| event["type"] == "m.room.member");
            // A room without a name is named by its people.
            assert_eq!(members.count(), if name.is_some() { 0 } else { 2 });
        }
    })
    .await;
}

#[tokio::test]
async fn only_what_the_endpoint_is_for_is_taken_and_only_of_who_hands_it_over() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let elsewhere = anna.create_room(json!({ "preset": "public_chat" })).await;
        let (id, version, event) = peer
            .membership(&one, AskedMembership::Join, &room, &berta.id)
            .await;
        let hand = async |endpoint: &str, room: &str, id: &str, event: Value| {
            errcode(peer.hand(&one, endpoint, (room, id), event).await)
        };
        let invalid = refusal(400, "M_INVALID_PARAM");
        // Another room or another event in the path.
        let other_room = hand("v2/send_join", &elsewhere, &id, event.clone()).await;
        assert_eq!(other_room.0, 400, "{other_room:?}");
        let unknown = format!("${}", "u".repeat(43));
        assert_eq!(
            hand("v2/send_join", &room, &unknown, event.clone()).await,
            invalid
        );
        // A join at the other endpoints.
        for endpoint in ["v2/send_leave", "v1/send_leave", "v1/send_knock"] {
            assert_eq!(hand(endpoint, &room, &id, event.clone()).await, invalid);
        }
        // Changed, with and without a new signature.
        type Change = fn(&mut Value, &User);
        let changes: [(Change, u16); 7] = [
            (|event, _| event["content"]["membership"] = json!("ban"), 400),
            (|event, _| event["content"]["membership"] = json!("leave"), 400),
            (|event, _| event["type"] = json!("m.room.power_levels"), 400),
            (|event, anna| event["state_key"] = json!(anna.id), 400),
            (|event, anna| event["sender"] = json!(anna.id), 403),
            (
                |event, anna| {
                    event["sender"] = json!(anna.id);
                    event["state_key"] = json!(anna.id);
                },
                403,
            ),
            (
                |event, anna| event["content"]["join_authorised_via_users_server"] = json!(anna.id),
                403,
            ),
        ];
        for (number, (change, status)) in changes.into_iter().enumerate() {
            let mut changed = event.clone();
            change(&mut changed, &anna);
            let (id, signed) = peer.sign(&version, changed);
            let answer = hand("v2/send_join", &room, &id, signed).await;
            // Nobody needs to authorize a join of a public room; who says so anyhow gets it.
            if number != 6 {
                assert_eq!(answer.0, status, "change {number}: {answer:?}");
            }
        }
        let mut unsigned = event.clone();
        unsigned["signatures"] = json!({});
        assert_eq!(
            hand("v2/send_join", &room, &id, unsigned).await,
            refusal(403, "M_FORBIDDEN")
        );
        let mut altered = event.clone();
        altered["content"]["displayname"] = json!("Somebody else");
        assert_eq!(
            hand("v2/send_join", &room, &id, altered).await,
            refusal(403, "M_FORBIDDEN")
        );
        assert_eq!(hand("v2/send_join", &room, &id, event).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn templates_are_made_for_users_of_the_server_that_asks_and_as_the_rules_allow() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let carl = one.user("carl").await;
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let private = anna.create_room(json!({ "preset": "private_chat" })).await;
        let forbidden = refusal(403, "M_FORBIDDEN");
        let make = async |membership: &str, room: &str, user: &User| {
            errcode(peer.make(&one, membership, room, &user.id).await)
        };
        assert_eq!(
            make("join", &room, &carl).await,
            forbidden,
            "a user of another server"
        );
        assert_eq!(
            make("join", &private, &berta).await,
            forbidden,
            "nobody invited her"
        );
        assert_eq!(make("knock", &private, &berta).await, forbidden);
        assert_eq!(make("leave", &room, &berta).await, forbidden, "she isn't there");
        assert_eq!(
            make("join", "!nowhere:test.example", &berta).await,
            refusal(404, "M_NOT_FOUND")
        );
        let old = format!(
            "/_matrix/federation/v1/make_join/{}/{}?ver=9",
            enc(&room),
            enc(berta.id.as_str())
        );
        let (status, answer) = peer.get(&one, &old).await;
        assert_eq!(
            (status, &answer["errcode"], &answer["room_version"]),
            (400, &json!("M_INCOMPATIBLE_ROOM_VERSION"), &json!("12")),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_server_that_a_room_keeps_out_brings_nobody_in() {
    let neighbours = Neighbours::new();
    let (one, other) = (neighbours.sqlite().await, neighbours.elsewhere().await);
    let (anna, berta, peer) = people(&one, &other).await;
    let room = anna.create_room(json!({ "preset": "public_chat" })).await;
    let (id, _, event) = peer
        .membership(&one, AskedMembership::Join, &room, &berta.id)
        .await;
    let acl = json!({ "allow": ["*"], "deny": ["localhost"], "allow_ip_literals": true });
    anna.set_state(&room, "m.room.server_acl", "", acl).await;
    let forbidden = refusal(403, "M_FORBIDDEN");
    assert_eq!(
        errcode(peer.make(&one, "join", &room, &berta.id).await),
        forbidden
    );
    let handed = peer.hand(&one, "v2/send_join", (&room, &id), event).await;
    assert_eq!(errcode(handed), forbidden);
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn somebody_of_another_server_leaves_and_comes_no_more_when_banned() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        peer.join(&one, &room, &berta.id).await;
        for endpoint in ["v2/send_leave", "v1/send_leave"] {
            let (id, _, event) = peer
                .membership(&one, AskedMembership::Leave, &room, &berta.id)
                .await;
            let (status, answer) = peer.hand(&one, endpoint, (&room, &id), event).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(membership(&anna, &room, &berta).await, "leave");
            peer.join(&one, &room, &berta.id).await;
        }
        let (id, _, rejoin) = peer
            .membership(&one, AskedMembership::Join, &room, &berta.id)
            .await;
        let path = format!("/_matrix/client/v3/rooms/{}/ban", enc(&room));
        assert_eq!(anna.post(&path, json!({ "user_id": berta.id })).await.0, 200);
        let answer = peer.make(&one, "join", &room, &berta.id).await;
        assert_eq!(errcode(answer), refusal(403, "M_FORBIDDEN"));
        // What was made before the ban doesn't count any more.
        let answer = peer.hand(&one, "v2/send_join", (&room, &id), rejoin).await;
        assert_eq!(errcode(answer), refusal(403, "M_FORBIDDEN"));
        assert_eq!(membership(&anna, &room, &berta).await, "ban");
    })
    .await;
}

#[tokio::test]
async fn who_knocks_is_told_what_the_room_is() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let body = json!({
            "preset": "private_chat",
            "name": "Personalrat",
            "initial_state": [{ "type": "m.room.join_rules", "state_key": "", "content": { "join_rule": "knock" } }],
        });
        let room = anna.create_room(body).await;
        let (id, _, event) = peer
            .membership(&one, AskedMembership::Knock, &room, &berta.id)
            .await;
        let (status, told) = peer.hand(&one, "v1/send_knock", (&room, &id), event).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(membership(&anna, &room, &berta).await, "knock");
        let state = told["knock_room_state"].as_array().expect("a state");
        let kinds: Vec<_> = state.iter().map(|event| &event["type"]).collect();
        assert!(kinds.contains(&&json!("m.room.create")) && kinds.contains(&&json!("m.room.name")));
        assert!(state.iter().all(|event| event["signatures"].is_object()), "whole events");
        assert!(state.iter().all(|event| event["type"] != "m.room.member"));
    })
    .await;
}

#[tokio::test]
async fn members_of_one_room_are_let_into_another_with_the_signature_of_this_server() {
    pairs(async |one, other| {
        let (anna, berta, peer) = people(&one, &other).await;
        let welcome = anna.create_room(json!({ "preset": "public_chat" })).await;
        let allow = |rooms: &[&str]| {
            let rooms = rooms.iter();
            rooms
                .map(|room| json!({ "type": "m.room_membership", "room_id": room }))
                .collect::<Vec<_>>()
        };
        let restricted = async |rooms: &[&str]| {
            let rule = json!({ "join_rule": "restricted", "allow": allow(rooms) });
            anna.create_room(json!({
                "preset": "private_chat",
                "initial_state": [{ "type": "m.room.join_rules", "state_key": "", "content": rule }],
            }))
            .await
        };
        let known = restricted(&[&welcome]).await;
        let make = async |room: &str| errcode(peer.make(&one, "join", room, &berta.id).await);
        assert_eq!(make(&known).await, refusal(403, "M_FORBIDDEN"), "she isn't in that room");
        let unknown = restricted(&["!unknown:test.example"]).await;
        assert_eq!(make(&unknown).await, refusal(400, "M_UNABLE_TO_AUTHORISE_JOIN"));

        peer.join(&one, &welcome, &berta.id).await;
        let (id, _, event) = peer
            .membership(&one, AskedMembership::Join, &known, &berta.id)
            .await;
        assert_eq!(event["content"]["join_authorised_via_users_server"], json!(anna.id));
        assert!(event["signatures"].get(one.name().as_str()).is_none());
        let (status, told) = peer.hand(&one, "v2/send_join", (&known, &id), event.clone()).await;
        assert_eq!(status, 200, "{told}");
        assert!(told["event"]["signatures"].get(one.name().as_str()).is_some());
        let mut mine = told["event"].clone();
        let signatures = mine["signatures"].as_object_mut().expect("signatures");
        signatures.remove(one.name().as_str());
        assert_eq!(mine, event, "nothing else was changed");

        // Whoever left the other room isn't let in with an old template.
        let late = restricted(&[&welcome]).await;
        let (id, _, event) = peer
            .membership(&one, AskedMembership::Join, &late, &berta.id)
            .await;
        let (leave, _, left) = peer
            .membership(&one, AskedMembership::Leave, &welcome, &berta.id)
            .await;
        assert_eq!(peer.hand(&one, "v2/send_leave", (&welcome, &leave), left).await.0, 200);
        let answer = peer.hand(&one, "v2/send_join", (&late, &id), event).await;
        assert_eq!(errcode(answer), refusal(403, "M_FORBIDDEN"));
        peer.join(&one, &welcome, &berta.id).await;

        // Nobody here may let people in.
        let levels = json!({ "users": {}, "invite": 101 });
        let levels = json!({
            "preset": "private_chat", "room_version": "11",
            "initial_state": [{
                "type": "m.room.join_rules", "state_key": "",
                "content": { "join_rule": "restricted", "allow": allow(&[&welcome]) },
            }],
            "power_level_content_override": { "users": { anna.id.as_str(): 100 }, "invite": levels["invite"] },
        });
        let closed = anna.create_room(levels).await;
        assert_eq!(make(&closed).await, refusal(400, "M_UNABLE_TO_GRANT_JOIN"));
    })
    .await;
}
