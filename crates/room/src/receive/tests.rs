use ruma::signatures::Ed25519KeyPair;
use ruma::{RoomId, RoomVersionId, room_id};
use serde_json::{Value, json};

use super::{MAX_AUTH_EVENTS, MAX_PREV_EVENTS, Malformed, Unverified, named_room, read};
use crate::build::MAX_PDU_BYTES;
use crate::input::canonical_object;
use crate::pdu::Pdu;
use crate::test_room::{BOB, TestRoom, VERSIONS, key, message};
use crate::version::rules;

/// An event of Bob's in a room, as an object to spoil.
fn sample(version: &RoomVersionId) -> (TestRoom, Value) {
    let mut room = TestRoom::public(version);
    let pdu = room.send(message(BOB, "hello"));
    let value = serde_json::from_str(pdu.json()).unwrap();
    (room, value)
}

/// Hashes and signs an object as a server does that sends what it likes.
pub(super) fn signed(
    mut event: Value,
    server: &str,
    key: &Ed25519KeyPair,
    version: &RoomVersionId,
) -> String {
    for field in ["hashes", "signatures"] {
        event.as_object_mut().unwrap().remove(field);
    }
    let mut object = canonical_object(event).unwrap();
    ruma::signatures::hash_and_sign_event(server, key, &mut object, &rules(version).unwrap().redaction)
        .unwrap();
    serde_json::to_string(&object).unwrap()
}

pub(super) fn read_pdu(pdu: &Pdu, version: &RoomVersionId) -> Unverified {
    read(pdu.json(), pdu.room_id(), version).unwrap()
}

#[test]
fn what_we_build_is_read_with_the_same_id_and_room() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for pdu in room.events.values() {
            let event = read_pdu(pdu, &version);
            assert_eq!(event.event_id(), pdu.event_id());
            assert_eq!(event.room_id(), pdu.room_id());
            assert_eq!(event.sender(), pdu.sender());
            assert_eq!(event.state_key(), pdu.state_key());
            assert_eq!(event.prev_events(), pdu.prev_events());
            assert_eq!(event.auth_events(), pdu.auth_events());
            assert_eq!(event.origin_server_ts(), pdu.origin_server_ts());
        }
    }
}

#[test]
fn a_version_12_create_event_belongs_to_the_room_that_it_founds_alone() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let create = room
        .events
        .values()
        .find(|pdu| pdu.kind().to_string() == "m.room.create")
        .unwrap();
    assert_eq!(named_room(create.json()), None);
    let other = TestRoom::public(&RoomVersionId::V12);
    let mut spoilt: Value = serde_json::from_str(create.json()).unwrap();
    spoilt["content"]["nonce"] = "another".into();
    let text = signed(spoilt, "a.example", &key(), &RoomVersionId::V12);
    let refused = read(&text, other.room_id.as_deref().unwrap(), &RoomVersionId::V12);
    assert!(matches!(refused, Err(Malformed::OtherRoom)), "{refused:?}");
}

#[test]
fn an_event_of_another_room_and_one_of_an_unknown_version_are_refused() {
    let (room, value) = sample(&RoomVersionId::V11);
    let text = value.to_string();
    assert_eq!(named_room(&text), room.room_id);
    let refused = read(&text, room_id!("!other:a.example"), &RoomVersionId::V11);
    assert!(matches!(refused, Err(Malformed::OtherRoom)));
    for version in [RoomVersionId::V9, RoomVersionId::V1] {
        let refused = read(&text, room.room_id.as_deref().unwrap(), &version);
        assert!(matches!(refused, Err(Malformed::UnsupportedVersion(_))));
    }
}

/// Sets one field, or removes it for `None`, and says what reading finds.
fn with(field: &str, value: Option<Value>, version: &RoomVersionId) -> Result<Unverified, Malformed> {
    let (room, mut event) = sample(version);
    match value {
        Some(value) => event[field] = value,
        None => {
            event.as_object_mut().unwrap().remove(field);
        }
    }
    read(&event.to_string(), room.room_id.as_deref().unwrap(), version)
}

fn is_format(result: &Result<Unverified, Malformed>) -> bool {
    matches!(result, Err(Malformed::Format(_)))
}

fn is_json(result: &Result<Unverified, Malformed>) -> bool {
    matches!(result, Err(Malformed::Json(_)))
}

#[test]
fn fields_that_are_missing_or_of_another_type_are_refused() {
    let wrong = [
        ("type", json!(5)),
        ("sender", json!(["@bob:a.example"])),
        ("sender", json!("bob")),
        ("sender", json!("@bob")),
        ("room_id", json!(5)),
        ("state_key", json!(null)),
        ("state_key", json!(5)),
        ("content", json!([])),
        ("content", json!("x")),
        ("origin_server_ts", json!("5")),
        ("origin_server_ts", json!(-1)),
        ("hashes", json!({})),
        ("hashes", json!({"sha256": 5})),
        ("hashes", json!("x")),
        ("signatures", json!([])),
        ("prev_events", json!("x")),
        ("prev_events", json!([["$a", {}]])),
        ("prev_events", json!(["$not-base64"])),
        ("prev_events", json!([format!("${}", "a".repeat(42))])),
        ("prev_events", json!([format!("${}", "a".repeat(44))])),
        ("prev_events", json!([format!("${}", "+".repeat(43))])),
        ("auth_events", json!(["$not-base64"])),
        ("auth_events", json!([""])),
        ("auth_events", json!({})),
    ];
    for version in VERSIONS {
        for (field, value) in &wrong {
            let result = with(field, Some(value.clone()), &version);
            assert!(is_format(&result), "{version} {field} {value}: {result:?}");
        }
        for field in [
            "type",
            "sender",
            "content",
            "origin_server_ts",
            "depth",
            "hashes",
            "signatures",
            "prev_events",
            "auth_events",
            "room_id",
        ] {
            let result = with(field, None, &version);
            assert!(is_format(&result), "{version} without {field}: {result:?}");
        }
    }
}

#[test]
fn depth_is_an_integer_that_every_server_can_represent() {
    let (room, event) = sample(&RoomVersionId::V10);
    let depth = event["depth"].to_string();
    let text = event.to_string();
    let with_depth = |depth_text: &str| {
        let text = text.replacen(
            &format!(r#""depth":{depth}"#),
            &format!(r#""depth":{depth_text}"#),
            1,
        );
        read(&text, room.room_id.as_deref().unwrap(), &RoomVersionId::V10)
    };
    for fine in ["0", "9007199254740991"] {
        assert!(with_depth(fine).is_ok(), "{fine}");
    }
    for bad in [
        "9007199254740992",
        "-9007199254740992",
        "9223372036854775807",
        "18446744073709551616",
        "1.0",
        "1e3",
        "1e400",
        "-0",
    ] {
        assert!(is_json(&with_depth(bad)), "{bad}");
    }
    for bad in ["\"5\"", "null", "[]", "-1"] {
        assert!(is_format(&with_depth(bad)), "{bad}");
    }
}

#[test]
fn numbers_are_checked_everywhere_also_in_unsigned() {
    for version in VERSIONS {
        let (room, event) = sample(&version);
        let text = event.to_string();
        for bad in ["9007199254740992", "1.5", "-0.0", "1e400"] {
            for place in [
                r#""unsigned":{"age":NUMBER},"#,
                r#""unsigned":{"a":[{"b":[NUMBER]}]},"#,
                r#""more":NUMBER,"#,
            ] {
                let text = text.replacen('{', &format!("{{{}", place.replace("NUMBER", bad)), 1);
                let result = read(&text, room.room_id.as_deref().unwrap(), &version);
                assert!(is_json(&result), "{bad} in {place}: {result:?}");
            }
        }
    }
}

#[test]
fn hostile_json_is_refused_and_never_panics() {
    let room_id = room_id!("!room:a.example");
    let deep = |levels: usize| format!(r#"{{"content":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "5".to_owned(),
        "{".to_owned(),
        "{}{}".to_owned(),
        deep(127),
        deep(100_000),
        r#"{"a":1,"a":1}"#.to_owned(),
        r#"{"content":{"a":{"b":1,"b":2}}}"#.to_owned(),
        // The same key, written differently.
        r#"{"content":{"a":1,"\u0061":2}}"#.to_owned(),
        r#"{"content":{"body":"\ud800"}}"#.to_owned(),
        r#"{"content":{"\udc00":1}}"#.to_owned(),
        r#"{"content":{"body":"\ud800x"}}"#.to_owned(),
        "{\"content\":{\"body\":\"\u{0}\"}}".to_owned(),
    ];
    for version in VERSIONS {
        for text in &texts {
            let result = read(text, room_id, &version);
            assert!(is_json(&result), "{}: {result:?}", &text[..text.len().min(60)]);
        }
    }
    // What a refusal says never shows what stood there.
    let refusal = read(
        r#"{"content":{"canary":1,"canary":2}}"#,
        room_id,
        &RoomVersionId::V10,
    )
    .unwrap_err();
    assert!(!refusal.to_string().contains("canary"), "{refusal}");
}

#[test]
fn nesting_is_taken_as_deep_as_other_servers_take_it() {
    let (room, mut event) = sample(&RoomVersionId::V11);
    let nest = |levels: usize| {
        serde_json::from_str::<Value>(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)))
    };
    event["content"]["deep"] = nest(125).unwrap();
    let room_id: &RoomId = room.room_id.as_deref().unwrap();
    assert!(read(&event.to_string(), room_id, &RoomVersionId::V11).is_ok());
    let text = event.to_string().replace("[[]]", "[[[]]]");
    assert!(is_json(&read(&text, room_id, &RoomVersionId::V11)));
}

#[test]
fn an_event_may_have_65536_bytes_with_its_signatures_and_not_counting_unsigned() {
    for version in VERSIONS {
        let (room, mut event) = sample(&version);
        let room_id: &RoomId = room.room_id.as_deref().unwrap();
        let rest = event.to_string().len() - "hello".len();
        event["content"]["body"] = "x".repeat(MAX_PDU_BYTES - rest).into();
        assert_eq!(event.to_string().len(), MAX_PDU_BYTES);
        assert!(read(&event.to_string(), room_id, &version).is_ok());
        event["unsigned"] = json!({"age": 5});
        assert!(read(&event.to_string(), room_id, &version).is_ok());
        event["content"]["body"] = "x".repeat(MAX_PDU_BYTES - rest + 1).into();
        let refused = read(&event.to_string(), room_id, &version);
        assert!(
            matches!(refused, Err(Malformed::TooLarge { size_bytes }) if size_bytes == MAX_PDU_BYTES + 1),
            "{refused:?}"
        );
        // Spaces and escapes of the text don't count: it is measured in canonical form.
        event["content"]["body"] = "x".repeat(MAX_PDU_BYTES - rest).into();
        let spaced = event
            .to_string()
            .replacen('{', &format!("{{{}", " ".repeat(5_000)), 1);
        assert!(read(&spaced, room_id, &version).is_ok());
    }
}

#[test]
fn fields_may_have_255_bytes() {
    // Three bytes each: fewer characters than bytes.
    let field = |bytes: usize| "€".repeat(bytes / 3) + &"x".repeat(bytes % 3);
    for version in VERSIONS {
        for name in ["type", "state_key"] {
            assert!(with(name, Some(field(255).into()), &version).is_ok(), "{name}");
            assert!(
                is_format(&with(name, Some(field(256).into()), &version)),
                "{name}"
            );
        }
        let sender = |bytes: usize| format!("@{}:a.example", "b".repeat(bytes - "@:a.example".len()));
        assert!(with("sender", Some(sender(255).into()), &version).is_ok());
        assert!(is_format(&with("sender", Some(sender(256).into()), &version)));
    }
}

#[test]
fn at_most_20_previous_and_10_auth_events_are_named() {
    let ids = |count: usize| {
        let ids: Vec<_> = (0..count).map(|i| format!("${i:043}")).collect();
        Some(json!(ids))
    };
    for version in VERSIONS {
        for (field, most) in [("prev_events", MAX_PREV_EVENTS), ("auth_events", MAX_AUTH_EVENTS)] {
            assert!(with(field, ids(most), &version).is_ok(), "{field}");
            assert!(is_format(&with(field, ids(most + 1), &version)), "{field}");
        }
        assert!(with("prev_events", ids(0), &version).is_ok());
    }
}

#[test]
fn version_12_events_dont_cite_the_create_event() {
    let (room, mut event) = sample(&RoomVersionId::V12);
    let room_id: &RoomId = room.room_id.as_deref().unwrap();
    event["auth_events"] = json!([format!("${}", room_id.strip_sigil())]);
    assert!(is_format(&read(&event.to_string(), room_id, &RoomVersionId::V12)));
}

#[test]
fn what_nobody_signed_is_left_behind() {
    let (room, mut event) = sample(&RoomVersionId::V11);
    event["unsigned"] = json!({"m.relations": {"forged": true}, "prev_content": {"membership": "join"}});
    let read = read(
        &event.to_string(),
        room.room_id.as_deref().unwrap(),
        &RoomVersionId::V11,
    )
    .unwrap();
    assert!(!read.object.contains_key("unsigned"));
}
