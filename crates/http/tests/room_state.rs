//! What may be put into a room and what may not, on both engines.

use rohrpost_testkit::{TestServer, User, enc};
use serde_json::{Value, json};

use crate::uia::refusal;

fn put(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}/{rest}", enc(room))
}

fn refused(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

async fn content(user: &User, room: &str, event: &str) -> Value {
    let (status, event) = user.get(&put(room, &format!("event/{}", enc(event)))).await;
    assert_eq!(status, 200, "{event}");
    event["content"].clone()
}

/// "clients MAY use the PUT /rooms/{roomId}/send/{eventType}/{txnId} endpoint to send m.room.redaction events in all
/// room versions."
#[tokio::test]
async fn a_redaction_may_be_sent_like_any_event() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        for version in ["10", "12"] {
            let room = alice
                .create_room(json!({ "room_version": version, "invite": [bob.id], "preset": "private_chat" }))
                .await;
            bob.join(&room).await;
            let event = alice.send_text(&room, "a mistake").await;
            let path = put(&room, "send/m.room.redaction/txn");
            let body = json!({ "redacts": event, "reason": "a mistake" });
            assert_eq!(
                refusal(bob.put(&path, body.clone()).await),
                refused(403, "M_FORBIDDEN")
            );
            assert_eq!(content(&alice, &room, &event).await["body"], "a mistake");
            let (status, first) = alice.put(&path, body.clone()).await;
            assert_eq!(status, 200, "{first}");
            assert_eq!(alice.put(&path, body).await, (200, first.clone()), "once");
            assert_eq!(content(&bob, &room, &event).await, json!({}));
            let redaction = first["event_id"].as_str().expect("an id");
            assert_eq!(content(&bob, &room, redaction).await["reason"], "a mistake");
            for body in [
                json!({}),
                json!({ "redacts": 5 }),
                json!({ "redacts": "nonsense" }),
            ] {
                let path = put(&room, "send/m.room.redaction/other");
                assert_eq!(refusal(alice.put(&path, body).await), refused(400, "M_BAD_JSON"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn state_that_protects_a_room_has_a_form() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({ "preset": "private_chat" })).await;
        for (kind, content) in [
            ("m.room.join_rules", json!({ "join_rule": 5 })),
            ("m.room.join_rules", json!({})),
            ("m.room.history_visibility", json!({ "history_visibility": [] })),
            ("m.room.guest_access", json!({ "guest_access": 1 })),
            ("m.room.encryption", json!({ "algorithm": 5 })),
            ("m.room.server_acl", json!({ "allow": 5 })),
        ] {
            let path = put(&room, &format!("state/{kind}/"));
            assert_eq!(
                refusal(alice.put(&path, content.clone()).await),
                refused(400, "M_BAD_JSON"),
                "{kind} {content}"
            );
        }
        let path = put(&room, "state/m.room.server_acl/");
        for content in [
            json!({}),
            json!({ "allow": [] }),
            json!({ "allow": ["*"], "deny": ["test.*"] }),
        ] {
            let answer = alice.put(&path, content.clone()).await;
            assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"), "{content}");
        }
        let good = json!({ "allow": ["*"], "deny": ["evil.example"], "allow_ip_literals": false });
        assert_eq!(alice.put(&path, good).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_new_room_does_not_take_the_address_of_another() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        bob.create_room(json!({ "room_alias_name": "town" })).await;
        let path = "/_matrix/client/v3/createRoom";
        let body = |content: Value| {
            let state = json!([{ "type": "m.room.canonical_alias", "content": content }]);
            json!({ "room_alias_name": "mine", "initial_state": state })
        };
        for content in [
            json!({ "alias": "#town:test.example" }),
            json!({ "alias": "#mine:test.example", "alt_aliases": ["#town:test.example"] }),
            json!({ "alias": "#mine:other.example" }),
        ] {
            let answer = alice.post(path, body(content.clone())).await;
            assert_eq!(refusal(answer), refused(400, "M_BAD_ALIAS"), "{content}");
        }
        let (status, made) = alice
            .post(path, body(json!({ "alias": "#mine:test.example" })))
            .await;
        assert_eq!(status, 200, "{made}");
        let odd = alice.post(path, json!({ "visibility": "sometimes" })).await;
        assert_eq!(refusal(odd), refused(400, "M_INVALID_PARAM"));
    })
    .await;
}

#[tokio::test]
async fn a_transaction_id_is_no_longer_than_can_be_kept() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let room = alice.create_room(json!({})).await;
        let event = alice.send_text(&room, "hello").await;
        // Nothing that could be made shorter by packing it.
        let mut seed = 1_u32;
        let mut long = String::new();
        while long.len() < 8000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            long.push_str(&format!("{seed:08x}"));
        }
        for (rest, body) in [
            (
                "send/m.room.message/",
                json!({ "msgtype": "m.text", "body": "x" }),
            ),
            (&*format!("redact/{}/", enc(&event)), json!({})),
            ("send/m.room.redaction/", json!({ "redacts": event })),
        ] {
            let path = put(&room, &format!("{rest}{long}"));
            let answer = alice.put(&path, body.clone()).await;
            assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"), "{rest}");
            let path = put(&room, &format!("{rest}{}", &long[..255]));
            assert_eq!(alice.put(&path, body).await.0, 200, "{rest}");
        }
        let path = put(
            &room,
            &format!("send/m.room.message/{long}?org.matrix.msc4140.delay=1000"),
        );
        let answer = alice
            .put(&path, json!({ "msgtype": "m.text", "body": "x" }))
            .await;
        assert_eq!(refusal(answer), refused(400, "M_INVALID_PARAM"));
    })
    .await;
}

#[tokio::test]
async fn the_invitation_to_notices_is_not_refused_by_a_state_event_either() {
    TestServer::each(async |server| {
        let (root, alice) = (server.administrator("root").await, server.user("alice").await);
        let notice = json!({ "user_id": alice.id, "text": "read this" });
        let (status, answer) = root.post("/_rohrpost/admin/v1/notices", notice).await;
        assert_eq!(status, 200, "{answer}");
        let sync = alice.sync(None).await;
        let invited = sync["rooms"]["invite"].as_object().expect("an invitation");
        let room = invited.keys().next().expect("a room");
        let path = put(room, &format!("state/m.room.member/{}", enc(alice.id.as_str())));
        let answer = alice.put(&path, json!({ "membership": "leave" })).await;
        assert_eq!(refusal(answer), refused(403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"));
    })
    .await;
}
