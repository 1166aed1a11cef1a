use std::sync::Arc;

use ruma::events::room::member::MembershipState;
use ruma::serde::Base64;
use ruma::signatures::{Ed25519KeyPair, PublicKeyMap};
use ruma::{EventId, OwnedEventId, RoomVersionId, ServerName, server_name};
use serde_json::{Value, json};

use super::{Handed, HandedError, Handing, check_handed};
use crate::input::canonical_object;
use crate::keys::{key_from_seed, verify_key};
use crate::pdu::Pdu;
use crate::receive::{Kept, Malformed, SignatureError};
use crate::test_room::{ALICE, CAROL, TestRoom, VERSIONS, key, member};
use crate::version::rules;

/// This server, of whose users the room was made.
fn server() -> &'static ServerName {
    server_name!("a.example")
}

/// The server that hands something to us, with Carol on it.
fn origin() -> &'static ServerName {
    server_name!("b.example")
}

fn our_key() -> Ed25519KeyPair {
    key_from_seed(&[1; 32], "ours").unwrap()
}

fn keys() -> PublicKeyMap {
    let encoded = Base64::new(verify_key(&key()).as_bytes().to_vec());
    let set = std::iter::once(("ed25519:test".to_owned(), encoded)).collect();
    std::iter::once(("b.example".to_owned(), set)).collect()
}

/// An event of Carol's server with these fields changed, signed by it, with its id.
fn made(room: &TestRoom, changes: &Value) -> (String, OwnedEventId) {
    let pdu = Arc::new(room.build(member(CAROL, CAROL, "join")).unwrap());
    let mut value: Value = serde_json::from_str(pdu.json()).unwrap();
    for (field, change) in changes.as_object().unwrap() {
        value[field] = change.clone();
    }
    for field in ["hashes", "signatures"] {
        value.as_object_mut().unwrap().remove(field);
    }
    let rules = rules(&room.version).unwrap();
    let mut object = canonical_object(value).unwrap();
    ruma::signatures::hash_and_sign_event("b.example", &key(), &mut object, &rules.redaction).unwrap();
    let hash = ruma::signatures::reference_hash(&object, rules).unwrap();
    let id = EventId::new_v2_or_v3(&hash).unwrap();
    (serde_json::to_string(&object).unwrap(), id)
}

fn hand(room: &TestRoom, made: &(String, OwnedEventId), membership: &str) -> Result<Handed, HandedError> {
    let handing = Handing {
        room_id: room.room_id.as_deref().unwrap(),
        event_id: &made.1,
        version: &room.version,
        membership: MembershipState::from(membership),
        origin: origin(),
        server: server(),
    };
    check_handed(&made.0, &handing)
}

fn content(membership: &str) -> Value {
    json!({"content": {"membership": membership}})
}

#[test]
fn a_membership_is_taken_at_the_endpoint_that_is_for_it_alone() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for membership in ["join", "knock", "leave", "invite", "ban"] {
            let event = made(&room, &content(membership));
            for endpoint in ["join", "knock", "leave"] {
                let result = hand(&room, &event, endpoint);
                assert_eq!(
                    result.is_ok(),
                    membership == endpoint,
                    "{membership} at {endpoint}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn an_event_of_another_room_or_with_another_id_than_the_path_is_refused() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let mut event = made(&room, &json!({}));
        let other = match version {
            RoomVersionId::V12 => format!("!{}", "x".repeat(43)),
            _ => "!other:a.example".to_owned(),
        };
        let elsewhere = made(&room, &json!({"room_id": other}));
        let result = hand(&room, &elsewhere, "join");
        assert!(
            matches!(result, Err(HandedError::Malformed(Malformed::OtherRoom))),
            "{result:?}"
        );
        event.1 = elsewhere.1;
        assert!(matches!(
            hand(&room, &event, "join"),
            Err(HandedError::OtherEvent)
        ));
    }
}

#[test]
fn a_server_moves_its_own_users_only_and_only_themselves() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for membership in ["join", "knock", "leave"] {
            let refused = |mut changes: Value| {
                changes["content"] = json!({"membership": membership});
                hand(&room, &made(&room, &changes), membership).unwrap_err()
            };
            // Of a user of ours, and of a third server.
            for user in [ALICE, "@eve:c.example"] {
                let error = refused(json!({"sender": user, "state_key": user}));
                assert!(matches!(error, HandedError::NotOfOrigin), "{error}");
            }
            // A kick of our user, and of their own.
            for user in [ALICE, "@other:b.example", "", "@carol:b.example2"] {
                let error = refused(json!({"state_key": user}));
                assert!(matches!(error, HandedError::NotOfSender), "{error}");
            }
            let error = refused(json!({"type": "m.room.power_levels"}));
            assert!(matches!(error, HandedError::NotAMembership), "{error}");
        }
    }
}

#[test]
fn an_event_without_a_state_key_or_membership_is_none() {
    let room = TestRoom::public(&RoomVersionId::V11);
    let (text, _) = made(&room, &json!({}));
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value.as_object_mut().unwrap().remove("state_key");
    let changed = hand_value(&room, &value);
    assert!(matches!(changed, Err(HandedError::NotAMembership)), "{changed:?}");
    for membership in [json!(null), json!(5), json!("JOIN")] {
        let event = made(&room, &json!({"content": {"membership": membership}}));
        assert!(matches!(
            hand(&room, &event, "join"),
            Err(HandedError::OtherMembership)
        ));
    }
}

/// Hands a value in under whatever id it has.
fn hand_value(room: &TestRoom, value: &Value) -> Result<Handed, HandedError> {
    let object = canonical_object(value.clone()).unwrap();
    let hash = ruma::signatures::reference_hash(&object, rules(&room.version).unwrap()).unwrap();
    let id = EventId::new_v2_or_v3(&hash).unwrap();
    hand(room, &(value.to_string(), id), "join")
}

#[test]
fn an_invite_is_for_a_user_of_ours_from_a_user_of_theirs() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let invite = |changes: Value| {
            let mut event = json!({"content": {"membership": "invite"}, "state_key": "@dora:a.example"});
            for (field, change) in changes.as_object().unwrap() {
                event[field] = change.clone();
            }
            hand(&room, &made(&room, &event), "invite")
        };
        assert!(invite(json!({})).is_ok());
        for target in ["@x:b.example", "@x:c.example", "dora", "", "@dora:A.example"] {
            let result = invite(json!({"state_key": target}));
            assert!(
                matches!(result, Err(HandedError::NotForUs)),
                "{target}: {result:?}"
            );
        }
        assert!(matches!(
            invite(json!({"sender": ALICE})),
            Err(HandedError::NotOfOrigin)
        ));
        // Nothing by which our signature would authorize anything.
        let authorized =
            json!({"content": {"membership": "invite", "join_authorised_via_users_server": ALICE}});
        assert!(matches!(invite(authorized), Err(HandedError::Authorizer)));
    }
}

#[test]
fn an_invite_gets_our_signature_and_keeps_its_id() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let event = made(
            &room,
            &json!({"content": {"membership": "invite"}, "state_key": "@dora:a.example"}),
        );
        let handed = hand(&room, &event, "invite").unwrap();
        assert_eq!(handed.signers(), [origin()]);
        let received = handed.verify(&keys(), &our_key()).unwrap();
        assert_eq!(received.kept, Kept::Whole);
        assert_eq!(received.pdu.event_id(), &*event.1);
        assert_eq!(signers_in(&received.pdu), ["a.example", "b.example"]);
    }
}

fn signers_in(pdu: &Pdu) -> Vec<String> {
    let value: Value = serde_json::from_str(pdu.json()).unwrap();
    value["signatures"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_join_gets_our_signature_only_if_our_user_authorizes_it() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let plain = hand(&room, &made(&room, &json!({})), "join").unwrap();
        let received = plain.verify(&keys(), &our_key()).unwrap();
        assert_eq!(signers_in(&received.pdu), ["b.example"]);

        let by = |user: &str| {
            let content = json!({"membership": "join", "join_authorised_via_users_server": user});
            hand(&room, &made(&room, &json!({"content": content})), "join")
        };
        let received = by(ALICE).unwrap().verify(&keys(), &our_key()).unwrap();
        assert_eq!(signers_in(&received.pdu), ["a.example", "b.example"]);
        for user in [CAROL, "@eve:c.example", "alice"] {
            assert!(matches!(by(user), Err(HandedError::Authorizer)), "{user}");
        }
        for membership in ["leave", "knock"] {
            let content = json!({"membership": membership, "join_authorised_via_users_server": ALICE});
            let event = made(&room, &json!({"content": content}));
            assert!(matches!(
                hand(&room, &event, membership),
                Err(HandedError::Authorizer)
            ));
        }
    }
}

#[test]
fn nothing_unsigned_or_altered_gets_our_signature() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for (membership, changes) in [
            (
                "join",
                json!({"content": {"membership": "join", "join_authorised_via_users_server": ALICE}}),
            ),
            (
                "invite",
                json!({"content": {"membership": "invite"}, "state_key": "@dora:a.example"}),
            ),
            // The rules ask nobody's signature of this one; here it comes from its sender's server.
            (
                "invite",
                json!({
                    "content": {"membership": "invite", "third_party_invite": {"signed": {}}},
                    "state_key": "@dora:a.example",
                }),
            ),
        ] {
            let (text, id) = made(&room, &changes);
            let mut value: Value = serde_json::from_str(&text).unwrap();
            value["content"]["displayname"] = "forged".into();
            let altered = hand(&room, &(value.to_string(), id.clone()), membership).unwrap();
            let refused = altered.verify(&keys(), &our_key());
            assert!(matches!(refused, Err(HandedError::Altered)), "{refused:?}");

            let mut value: Value = serde_json::from_str(&text).unwrap();
            value["signatures"] = json!({});
            let unsigned = hand(&room, &(value.to_string(), id), membership).unwrap();
            let refused = unsigned.verify(&keys(), &our_key());
            assert!(
                matches!(refused, Err(HandedError::Signature(SignatureError::Unsigned(_)))),
                "{refused:?}"
            );
        }
    }
}
