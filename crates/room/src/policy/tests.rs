use ruma::RoomVersionId;
use ruma::events::TimelineEventType;
use serde_json::{Value, json};

use super::{Encryption, PolicyRefusal, RoomEncryption, check_redaction, check_send};
use crate::input::canonical_object;
use crate::pdu::Pdu;
use crate::test_room::{ALICE, TestRoom, event};

const ALL: [Encryption; 3] = [Encryption::Required, Encryption::Default, Encryption::Optional];

fn room(policy: Encryption, ever_encrypted: bool) -> RoomEncryption<'static> {
    RoomEncryption {
        policy,
        ever_encrypted,
        current: None,
    }
}

fn send(room: RoomEncryption<'_>, kind: &str, content: Value) -> Result<(), PolicyRefusal> {
    check_send(
        room,
        &TimelineEventType::from(kind),
        false,
        &canonical_object(content).unwrap(),
    )
}

fn set(room: RoomEncryption<'_>, content: Value) -> Result<(), PolicyRefusal> {
    check_send(
        room,
        &TimelineEventType::RoomEncryption,
        true,
        &canonical_object(content).unwrap(),
    )
}

fn encrypted() -> Value {
    json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "x"})
}

fn encryption_event(content: Value) -> Pdu {
    TestRoom::public(&RoomVersionId::V12)
        .build(event(ALICE, "m.room.encryption", Some(""), content))
        .unwrap()
}

#[test]
fn under_required_nothing_readable_is_sent() {
    for ever_encrypted in [false, true] {
        for kind in [
            "m.room.message",
            "m.sticker",
            "m.poll.start",
            "org.matrix.msc3381.poll.start",
            "m.call.invite",
            "m.call.hangup",
            "m.key.verification.start",
            "m.key.verification.request",
            "m.beacon",
            "m.room.encryption",
            "org.example.custom",
        ] {
            let refused = send(room(Encryption::Required, ever_encrypted), kind, json!({}));
            assert_eq!(refused, Err(PolicyRefusal::PlaintextRefusedHere), "{kind}");
        }
        for (kind, content) in [
            ("m.room.encrypted", encrypted()),
            ("m.room.redaction", json!({"redacts": "$x"})),
            ("m.reaction", reaction("👍")),
            ("org.matrix.msc4143.rtc.member", json!({})),
        ] {
            assert_eq!(
                send(room(Encryption::Required, ever_encrypted), kind, content),
                Ok(()),
                "{kind}"
            );
        }
    }
}

fn reaction(key: &str) -> Value {
    let event_id = "$1-F1b3GGzvdqkkJ2FkQ-bVhIYGUZvR9BqSVgl4pQAAA";
    json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}})
}

#[test]
fn a_reaction_is_no_way_to_send_plaintext() {
    let required = || room(Encryption::Required, true);
    let with = |key: &str, value: Value| {
        let mut content = reaction("👍");
        content[key] = value;
        content
    };
    let within = |key: &str, value: Value| {
        let mut content = reaction("👍");
        content["m.relates_to"][key] = value;
        content
    };
    for content in [
        reaction("👩🏽‍❤️‍💋‍👨🏿"),
        reaction("🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        reaction("mxc://example.org/abcdefghijklmnopqrstuvwxyz"),
        with("shortcode", json!(":thumbs_up:")),
    ] {
        assert_eq!(
            send(required(), "m.reaction", content.clone()),
            Ok(()),
            "{content}"
        );
    }
    for content in [
        json!({}),
        json!({"m.relates_to": "readable"}),
        reaction(&"a".repeat(256)),
        with("body", json!("readable")),
        with("shortcode", json!("a".repeat(65))),
        with("shortcode", json!({"a": "readable"})),
        within("key", json!(["readable"])),
        within("rel_type", json!("m.thread")),
        within("event_id", json!("readable")),
        within("body", json!("readable")),
    ] {
        let refused = send(required(), "m.reaction", content.clone());
        assert_eq!(refused, Err(PolicyRefusal::MoreThanNeeded), "{content}");
    }
    assert_eq!(
        send(room(Encryption::Optional, false), "m.reaction", json!({})),
        Ok(())
    );
}

#[test]
fn who_takes_part_in_a_call_is_told_in_few_words() {
    let tell = |length: usize| {
        let content = json!({"slot_id": "a".repeat(length)});
        send(
            room(Encryption::Required, true),
            "org.matrix.msc4143.rtc.member",
            content,
        )
    };
    assert_eq!(tell(4096 - 14), Ok(()));
    assert_eq!(tell(4096 - 13), Err(PolicyRefusal::MoreThanNeeded));
}

#[test]
fn under_default_plaintext_ends_when_a_room_was_encrypted_once() {
    assert_eq!(
        send(room(Encryption::Default, false), "m.room.message", json!({})),
        Ok(())
    );
    let refused = send(room(Encryption::Default, true), "m.room.message", json!({}));
    assert_eq!(refused, Err(PolicyRefusal::PlaintextInEncryptedRoom));
    assert_eq!(
        send(room(Encryption::Default, true), "m.room.encrypted", encrypted()),
        Ok(())
    );
}

#[test]
fn under_optional_plaintext_is_the_users_choice() {
    for ever_encrypted in [false, true] {
        assert_eq!(
            send(
                room(Encryption::Optional, ever_encrypted),
                "m.room.message",
                json!({})
            ),
            Ok(())
        );
    }
}

#[test]
fn an_event_is_not_encrypted_because_its_type_says_so() {
    for content in [
        json!({"body": "readable"}),
        json!({"algorithm": "m.megolm.v1.aes-sha2"}),
        json!({"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": "x"}),
        json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": {"a": "readable"}}),
        json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "body": "readable"}),
    ] {
        let refused = send(
            room(Encryption::Required, true),
            "m.room.encrypted",
            content.clone(),
        );
        assert_eq!(refused, Err(PolicyRefusal::NotEncrypted), "{content}");
    }
}

#[test]
fn state_other_than_the_encryption_is_not_the_policys_matter() {
    let content = canonical_object(json!({"name": "x"})).unwrap();
    for kind in [TimelineEventType::RoomName, TimelineEventType::RoomTombstone] {
        assert_eq!(
            check_send(room(Encryption::Required, true), &kind, true, &content),
            Ok(())
        );
    }
}

#[test]
fn encryption_is_never_removed() {
    for policy in ALL {
        for content in [
            json!({}),
            json!({"algorithm": ""}),
            json!({"algorithm": 1}),
            json!({"algorithm": "org.example.rot13"}),
            json!({"algorithm": "m.olm.v1.curve25519-aes-sha2"}),
        ] {
            assert_eq!(
                set(room(policy, true), content.clone()),
                Err(PolicyRefusal::Algorithm),
                "{content}"
            );
        }
    }
}

#[test]
fn the_first_encryption_is_checked_under_required_only() {
    let weak = json!({"algorithm": "org.example.rot13"});
    assert_eq!(
        set(room(Encryption::Required, false), weak.clone()),
        Err(PolicyRefusal::Algorithm)
    );
    assert_eq!(set(room(Encryption::Default, false), weak.clone()), Ok(()));
    assert_eq!(set(room(Encryption::Optional, false), weak), Ok(()));
}

#[test]
fn sessions_live_no_longer_than_before_and_no_longer_than_recommended() {
    let megolm = |ms: Value, msgs: Value| {
        let mut content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        if !ms.is_null() {
            content["rotation_period_ms"] = ms;
        }
        if !msgs.is_null() {
            content["rotation_period_msgs"] = msgs;
        }
        content
    };
    let short = encryption_event(megolm(json!(1_000), json!(10)));
    let long = encryption_event(megolm(json!(900_000_000), json!(1_000)));
    let unset = encryption_event(megolm(Value::Null, Value::Null));
    let week = 604_800_000;
    for (current, ms, msgs, allowed) in [
        (None, Value::Null, Value::Null, true),
        (None, json!(week), json!(100), true),
        (None, json!(week + 1), Value::Null, false),
        (None, Value::Null, json!(101), false),
        (None, json!(0), Value::Null, false),
        (None, json!(-1), Value::Null, false),
        (None, json!("1000"), Value::Null, false),
        (Some(&unset), json!(week), json!(100), true),
        (Some(&unset), json!(week), json!(101), false),
        (Some(&short), json!(1_000), json!(10), true),
        (Some(&short), json!(999), json!(9), true),
        (Some(&short), json!(1_001), json!(10), false),
        (Some(&short), json!(1_000), json!(11), false),
        (Some(&short), Value::Null, Value::Null, false),
        (Some(&long), json!(week), json!(100), true),
        (Some(&long), json!(900_000_000), json!(100), false),
    ] {
        let room = RoomEncryption {
            policy: Encryption::Optional,
            ever_encrypted: true,
            current,
        };
        let expected = if allowed {
            Ok(())
        } else {
            Err(PolicyRefusal::Rotation)
        };
        assert_eq!(
            set(room, megolm(ms.clone(), msgs.clone())),
            expected,
            "{ms} {msgs}"
        );
    }
}

#[test]
fn a_current_event_that_cant_be_read_doesnt_open_the_door() {
    let broken = encryption_event(json!({"rotation_period_ms": "long"}));
    let room = RoomEncryption {
        policy: Encryption::Default,
        ever_encrypted: true,
        current: Some(&broken),
    };
    let too_long = json!({"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 604_800_001});
    assert_eq!(set(room, too_long), Err(PolicyRefusal::Rotation));
}

#[test]
fn what_the_room_goes_by_is_never_redacted() {
    let build = |kind: &str, state_key| {
        let room = TestRoom::public(&RoomVersionId::V12);
        check_redaction(&room.build(event(ALICE, kind, state_key, json!({}))).unwrap())
    };
    for kind in ["m.room.encryption", "m.room.server_acl"] {
        assert_eq!(build(kind, Some("")), Err(PolicyRefusal::Foundation), "{kind}");
        assert_eq!(build(kind, None), Ok(()), "{kind} that is no state");
    }
    for kind in ["m.room.name", "m.room.topic", "org.example.custom"] {
        assert_eq!(build(kind, Some("")), Ok(()), "{kind}");
    }
}

#[test]
fn refusals_are_sentences_for_people() {
    for refusal in [
        PolicyRefusal::PlaintextRefusedHere,
        PolicyRefusal::PlaintextInEncryptedRoom,
        PolicyRefusal::NotEncrypted,
        PolicyRefusal::Algorithm,
        PolicyRefusal::Rotation,
        PolicyRefusal::Foundation,
        PolicyRefusal::MoreThanNeeded,
    ] {
        let text = refusal.to_string();
        assert!(
            text.contains("encrypted") || text.contains("encryption"),
            "{text}"
        );
    }
}
