use ruma::RoomVersionId;
use ruma::serde::Base64;
use ruma::signatures::{Ed25519KeyPair, PublicKeyMap, sign_json};
use serde_json::{Value, json};

use super::super::tests::{read_pdu, signed};
use super::super::{Unverified, read};
use super::{Kept, SignatureError};
use crate::input::canonical_object;
use crate::keys::{key_from_seed, verify_key};
use crate::test_room::{BOB, CAROL, TestRoom, VERSIONS, key, member, message};
use crate::version::rules;

const A: &str = "a.example";

fn keys(of: &[(&str, &str, &Ed25519KeyPair)]) -> PublicKeyMap {
    let mut keys = PublicKeyMap::new();
    for (server, id, key) in of {
        let encoded = Base64::new(verify_key(key).as_bytes().to_vec());
        keys.entry((*server).to_owned())
            .or_default()
            .insert((*id).to_owned(), encoded);
    }
    keys
}

fn a_keys() -> PublicKeyMap {
    keys(&[(A, "ed25519:test", &key())])
}

fn evil_key() -> Ed25519KeyPair {
    key_from_seed(&[66; 32], "test").unwrap()
}

/// A room, and a message of Bob's in it as an object to spoil.
fn sample(version: &RoomVersionId) -> (TestRoom, Value) {
    let mut room = TestRoom::public(version);
    let pdu = room.send(message(BOB, "hello"));
    let value = serde_json::from_str(pdu.json()).unwrap();
    (room, value)
}

fn read_value(room: &TestRoom, value: &Value) -> Unverified {
    read(
        &value.to_string(),
        room.room_id.as_deref().unwrap(),
        &room.version,
    )
    .unwrap()
}

#[test]
fn what_we_sign_verifies_and_is_kept_as_it_is() {
    for version in VERSIONS {
        for pdu in TestRoom::public(&version).events.values() {
            let received = read_pdu(pdu, &version).verify(&a_keys()).unwrap();
            assert_eq!(received.kept, Kept::Whole);
            assert_eq!(received.pdu.json(), pdu.json());
            assert_eq!(received.pdu.event_id(), pdu.event_id());
        }
    }
}

#[test]
fn an_event_that_isnt_signed_by_its_senders_server_is_dropped() {
    for version in VERSIONS {
        let (room, good) = sample(&version);
        let verify =
            |event: &Value, keys: &PublicKeyMap| read_value(&room, event).verify(keys).map(|r| r.kept);

        let mut none = good.clone();
        none["signatures"] = json!({});
        assert!(matches!(
            verify(&none, &a_keys()),
            Err(SignatureError::Unsigned(_))
        ));
        none["signatures"] = json!({"a.example": {}});
        assert!(matches!(
            verify(&none, &a_keys()),
            Err(SignatureError::Unsigned(_))
        ));
        none["signatures"] = json!({"a.example": "x"});
        assert!(matches!(
            verify(&none, &a_keys()),
            Err(SignatureError::Unsigned(_))
        ));

        // By another key under the same id.
        let wrong: Value = serde_json::from_str(&signed(good.clone(), A, &evil_key(), &version)).unwrap();
        assert!(matches!(
            verify(&wrong, &a_keys()),
            Err(SignatureError::Wrong { .. })
        ));

        // By a key that wasn't valid any more: the caller leaves it out.
        let expired = keys(&[(A, "ed25519:newer", &evil_key())]);
        assert!(matches!(verify(&good, &expired), Err(SignatureError::NoKey(_))));
        assert!(matches!(
            verify(&good, &PublicKeyMap::new()),
            Err(SignatureError::NoKey(_))
        ));

        // By a third server only, even if its key is known.
        let third: Value =
            serde_json::from_str(&signed(good.clone(), "evil.test", &evil_key(), &version)).unwrap();
        let both = keys(&[
            (A, "ed25519:test", &key()),
            ("evil.test", "ed25519:test", &evil_key()),
        ]);
        assert!(matches!(verify(&third, &both), Err(SignatureError::Unsigned(_))));

        // Over something else.
        for (field, value) in [
            ("type", json!("m.room.topic")),
            ("origin_server_ts", json!(5)),
            ("depth", json!(99)),
            ("prev_events", json!([])),
            (
                "hashes",
                json!({"sha256": "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"}),
            ),
        ] {
            let mut other = good.clone();
            other[field] = value;
            assert!(
                matches!(verify(&other, &a_keys()), Err(SignatureError::Wrong { .. })),
                "{field}"
            );
        }

        // Not even base64.
        let mut garbage = good.clone();
        garbage["signatures"]["a.example"]["ed25519:test"] = "?".into();
        assert!(matches!(
            verify(&garbage, &a_keys()),
            Err(SignatureError::Wrong { .. })
        ));
        garbage["signatures"]["a.example"]["ed25519:test"] = json!(5);
        assert!(matches!(
            verify(&garbage, &a_keys()),
            Err(SignatureError::Wrong { .. })
        ));
    }
}

#[test]
fn signatures_of_others_and_by_unknown_keys_dont_matter() {
    for version in VERSIONS {
        let (room, mut event) = sample(&version);
        event["signatures"]["policy.example"] = json!({"ed25519:policy_server": "garbage"});
        event["signatures"]["a.example"]["ed25519:unknown"] = "garbage".into();
        event["signatures"]["a.example"]["rot13:1"] = "garbage".into();
        let received = read_value(&room, &event).verify(&a_keys()).unwrap();
        assert_eq!(received.kept, Kept::Whole);
    }
}

#[test]
fn an_event_whose_content_was_altered_is_kept_redacted_and_never_whole() {
    for version in VERSIONS {
        let (room, good) = sample(&version);
        for spoil in [
            |event: &mut Value| event["content"]["body"] = "forged".into(),
            |event: &mut Value| event["forged"] = 1.into(),
        ] {
            let mut event = good.clone();
            spoil(&mut event);
            let received = read_value(&room, &event).verify(&a_keys()).unwrap();
            assert_eq!(received.kept, Kept::RedactedForHash);
            assert!(!received.pdu.json().contains("forged"), "{}", received.pdu.json());
            assert!(!received.pdu.json().contains("hello"));
            assert_eq!(received.pdu.content().get(), "{}");
            assert_eq!(received.pdu.event_id(), read_value(&room, &good).event_id());
        }
        // A redacted copy, as servers hand it out.
        let mut redacted = good.clone();
        redacted["content"] = json!({});
        let received = read_value(&room, &redacted).verify(&a_keys()).unwrap();
        assert_eq!(received.kept, Kept::RedactedForHash);
    }
}

#[test]
fn a_membership_whose_name_was_altered_still_counts_as_membership() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    let join = room.send(member(CAROL, CAROL, "join"));
    let mut event: Value = serde_json::from_str(join.json()).unwrap();
    event["content"]["displayname"] = "forged".into();
    let keys = keys(&[("b.example", "ed25519:test", &key())]);
    let received = read_value(&room, &event).verify(&keys).unwrap();
    assert_eq!(received.pdu.content().get(), r#"{"membership":"join"}"#);
}

#[test]
fn nul_in_the_content_costs_the_content_and_elsewhere_the_event() {
    for version in VERSIONS {
        let (room, good) = sample(&version);
        let verify = |event: Value| {
            let text = signed_with_nul(event, &version);
            read(&text, room.room_id.as_deref().unwrap(), &version)
                .unwrap()
                .verify(&a_keys())
        };
        let mut event = good.clone();
        event["content"] = json!({"body": "canary\u{0}"});
        let received = verify(event).unwrap();
        assert_eq!(received.kept, Kept::RedactedForNul);
        assert_eq!(received.pdu.content().get(), "{}");
        let mut event = good.clone();
        event["content"] = json!({"canary\u{0}": 1});
        assert_eq!(verify(event).unwrap().kept, Kept::RedactedForNul);

        for field in ["state_key", "type"] {
            let mut event = good.clone();
            event[field] = "a\u{0}b".into();
            assert!(
                matches!(verify(event), Err(SignatureError::Unkeepable)),
                "{field}"
            );
        }
        // What redaction keeps, too: the room's power levels.
        let mut event = good.clone();
        event["type"] = "m.room.power_levels".into();
        event["state_key"] = "".into();
        event["content"] = json!({"events": {"a\u{0}": 5}});
        assert!(matches!(verify(event), Err(SignatureError::Unkeepable)));
    }
}

/// Our own checks would not let such content be signed.
fn signed_with_nul(mut event: Value, version: &RoomVersionId) -> String {
    for field in ["hashes", "signatures"] {
        event.as_object_mut().unwrap().remove(field);
    }
    let mut object = serde_json::from_value(event).unwrap();
    ruma::signatures::hash_and_sign_event(A, &key(), &mut object, &rules(version).unwrap().redaction)
        .unwrap();
    serde_json::to_string(&object).unwrap()
}

#[test]
fn who_must_have_signed_depends_on_type_and_content() {
    let member_with =
        |content: Value| json!({"type": "m.room.member", "state_key": CAROL, "content": content});
    let authorized = json!("@dora:c.example");
    let cases = [
        (json!({}), vec!["a.example"]),
        (member_with(json!({"membership": "join"})), vec!["a.example"]),
        (
            member_with(json!({"membership": "join", "join_authorised_via_users_server": authorized})),
            vec!["a.example", "c.example"],
        ),
        (
            member_with(json!({"membership": "leave", "join_authorised_via_users_server": authorized})),
            vec!["a.example", "c.example"],
        ),
        (
            member_with(json!({"membership": "join", "join_authorised_via_users_server": "nobody"})),
            vec!["a.example"],
        ),
        // Only memberships are authorized by somebody: ruma's own list would ask c.example here.
        (
            json!({"content": {"join_authorised_via_users_server": authorized}}),
            vec!["a.example"],
        ),
        (
            member_with(json!({"membership": "invite", "third_party_invite": {"signed": {}}})),
            vec![],
        ),
        // Without an object there the authorization rules see an ordinary invite, so it must be signed as one.
        (
            member_with(json!({"membership": "invite", "third_party_invite": null})),
            vec!["a.example"],
        ),
        (
            member_with(json!({"membership": "join", "third_party_invite": {"signed": {}}})),
            vec!["a.example"],
        ),
        (member_with(json!({})), vec!["a.example"]),
    ];
    for version in VERSIONS {
        for (changes, expected) in &cases {
            let (room, mut event) = sample(&version);
            for (field, value) in changes.as_object().unwrap() {
                event[field] = value.clone();
            }
            let signers = read_value(&room, &event).signers();
            let signers: Vec<_> = signers.iter().map(ToString::to_string).collect();
            assert_eq!(&signers, expected, "{version} {changes}");
        }
    }
}

#[test]
fn a_join_that_another_server_authorizes_needs_both_signatures() {
    for version in VERSIONS {
        let (room, mut event) = sample(&version);
        event["type"] = "m.room.member".into();
        event["state_key"] = BOB.into();
        event["content"] =
            json!({"membership": "join", "join_authorised_via_users_server": "@dora:c.example"});
        let c_key = key_from_seed(&[3; 32], "c").unwrap();
        let keys = keys(&[(A, "ed25519:test", &key()), ("c.example", "ed25519:c", &c_key)]);
        let alone = signed(event, A, &key(), &version);
        let room_id = room.room_id.as_deref().unwrap();
        let refused = read(&alone, room_id, &version).unwrap().verify(&keys);
        assert!(
            matches!(&refused, Err(SignatureError::Unsigned(server)) if server == "c.example"),
            "{refused:?}"
        );
        let mut object = canonical_object(serde_json::from_str(&alone).unwrap()).unwrap();
        ruma::signatures::sign_event(
            "c.example",
            &c_key,
            &mut object,
            &rules(&version).unwrap().redaction,
        )
        .unwrap();
        let both = serde_json::to_string(&object).unwrap();
        let received = read(&both, room_id, &version).unwrap().verify(&keys).unwrap();
        assert_eq!(received.kept, Kept::Whole);
    }
}

#[test]
fn a_message_that_names_an_authorizer_needs_no_signature_of_theirs() {
    for version in VERSIONS {
        let (room, mut event) = sample(&version);
        event["content"]["join_authorised_via_users_server"] = "@dora:c.example".into();
        let text = signed(event, A, &key(), &version);
        let received = read(&text, room.room_id.as_deref().unwrap(), &version)
            .unwrap()
            .verify(&a_keys())
            .unwrap();
        assert_eq!(received.kept, Kept::Whole);
    }
}

#[test]
fn a_signature_over_the_json_that_isnt_the_redacted_event_doesnt_count() {
    let (room, event) = sample(&RoomVersionId::V11);
    let mut object = canonical_object(event).unwrap();
    object.remove("signatures");
    sign_json(A, &key(), &mut object).unwrap();
    let text = serde_json::to_string(&object).unwrap();
    let refused = read(&text, room.room_id.as_deref().unwrap(), &RoomVersionId::V11)
        .unwrap()
        .verify(&a_keys());
    assert!(matches!(refused, Err(SignatureError::Wrong { .. })));
}
