use std::sync::Arc;

use ruma::events::room::member::MembershipState;
use ruma::{OwnedTransactionId, RoomVersionId};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, from_str, json};

use super::{Shape, Unsigned, client_event, stripped};
use crate::pdu::Pdu;
use crate::redact::redact;
use crate::test_room::{ALICE, BOB, TestRoom, VERSIONS, event, message, user};

fn read(event: &RawValue) -> Value {
    from_str(event.get()).unwrap()
}

fn redaction(version: &RoomVersionId) -> (Arc<Pdu>, Arc<Pdu>) {
    let mut room = TestRoom::public(version);
    let target = room.send(message(BOB, "hello"));
    let mut redaction = event(BOB, "m.room.redaction", None, json!({"reason": "typo"}));
    redaction.redacts = Some(target.event_id().to_owned());
    (target, room.send(redaction))
}

#[test]
fn a_message_in_sync_has_no_room_id_and_no_empty_unsigned() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(message(BOB, "hello"));
    let event = client_event(&pdu, &RoomVersionId::V12, Shape::Timeline, &Unsigned::default());
    let expected = json!({
        "content": {"body": "hello", "msgtype": "m.text"},
        "event_id": pdu.event_id(),
        "origin_server_ts": 1_006,
        "sender": BOB,
        "type": "m.room.message",
    });
    assert_eq!(read(&event), expected);
}

#[test]
fn a_state_event_elsewhere_has_its_room_id_and_state_key() {
    let mut room = TestRoom::public(&RoomVersionId::V10);
    let pdu = room.send(event(ALICE, "m.room.name", Some(""), json!({"name": "Registry"})));
    let event = client_event(&pdu, &RoomVersionId::V10, Shape::WithRoomId, &Unsigned::default());
    let expected = json!({
        "content": {"name": "Registry"},
        "event_id": pdu.event_id(),
        "origin_server_ts": 1_006,
        "room_id": "!room:a.example",
        "sender": ALICE,
        "state_key": "",
        "type": "m.room.name",
    });
    assert_eq!(read(&event), expected);
}

#[test]
fn a_create_event_of_version_12_names_its_room_to_clients() {
    let mut room = TestRoom::empty(&RoomVersionId::V12);
    let create = room.send(room.create_event());
    let event = client_event(
        &create,
        &RoomVersionId::V12,
        Shape::WithRoomId,
        &Unsigned::default(),
    );
    assert_eq!(read(&event)["room_id"], create.room_id().as_str());
}

#[test]
fn the_content_goes_through_byte_for_byte() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(message(BOB, "\u{1F600} \"quoted\" \\ \n"));
    let event = client_event(&pdu, &RoomVersionId::V12, Shape::Timeline, &Unsigned::default());
    assert!(
        event
            .get()
            .contains(&format!(r#""content":{}"#, pdu.content().get()))
    );
}

#[test]
fn unsigned_carries_what_is_set() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let before = room.send(event(ALICE, "m.room.name", Some(""), json!({"name": "old"})));
    let pdu = room.send(event(ALICE, "m.room.name", Some(""), json!({"name": "new"})));
    let unsigned = Unsigned {
        age_ms: Some(1_234),
        transaction_id: Some(OwnedTransactionId::from("txn")),
        prev_content: Some(before.content()),
        prev_sender: Some(user(ALICE)),
        replaces_state: Some(before.event_id().to_owned()),
        redacted_because: Some(to_raw_value(&json!({"type": "m.room.redaction"})).unwrap()),
        membership: Some(MembershipState::Join),
        relations: Some(to_raw_value(&json!({"m.thread": {"count": 1}})).unwrap()),
        sticky_left_ms: Some(5_678),
    };
    let event = client_event(&pdu, &RoomVersionId::V12, Shape::Timeline, &unsigned);
    let expected = json!({
        "age": 1_234,
        "transaction_id": "txn",
        "prev_content": {"name": "old"},
        "prev_sender": ALICE,
        "replaces_state": before.event_id(),
        "redacted_because": {"type": "m.room.redaction"},
        "membership": "join",
        "m.relations": {"m.thread": {"count": 1}},
        "msc4354_sticky_duration_ttl_ms": 5_678,
    });
    assert_eq!(read(&event)["unsigned"], expected);
}

#[test]
fn a_redaction_names_its_target_twice_in_every_version() {
    for version in VERSIONS {
        let (target, redaction) = redaction(&version);
        let event = read(&client_event(
            &redaction,
            &version,
            Shape::Timeline,
            &Unsigned::default(),
        ));
        assert_eq!(event["redacts"], target.event_id().as_str(), "version {version}");
        assert_eq!(
            event["content"],
            json!({"reason": "typo", "redacts": target.event_id()})
        );
    }
}

#[test]
fn a_redacted_event_is_shown_with_the_reason_it_was_redacted() {
    let (target, redaction) = redaction(&RoomVersionId::V12);
    let redacted = redact(&target, &RoomVersionId::V12).unwrap();
    let because = client_event(
        &redaction,
        &RoomVersionId::V12,
        Shape::Timeline,
        &Unsigned::default(),
    );
    let unsigned = Unsigned {
        redacted_because: Some(because),
        ..Unsigned::default()
    };
    let event = read(&client_event(
        &redacted,
        &RoomVersionId::V12,
        Shape::Timeline,
        &unsigned,
    ));
    assert_eq!(event["content"], json!({}));
    assert_eq!(event["unsigned"]["redacted_because"]["content"]["reason"], "typo");
}

#[test]
fn redacts_on_another_type_of_event_is_not_handed_on() {
    let mut room = TestRoom::public(&RoomVersionId::V10);
    let pdu = room.send(message(BOB, "hello"));
    let json = pdu.json().replace(r#""room_id""#, r#""redacts":"$x","room_id""#);
    let pdu = Pdu::from_stored(pdu.room_id(), pdu.event_id(), &json).unwrap();
    let event = read(&client_event(
        &pdu,
        &RoomVersionId::V10,
        Shape::Timeline,
        &Unsigned::default(),
    ));
    assert_eq!(event.get("redacts"), None);
}

#[test]
fn fields_of_the_federation_format_are_not_handed_on() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    let pdu = room.send(message(BOB, "hello"));
    let event = read(&client_event(
        &pdu,
        &RoomVersionId::V11,
        Shape::WithRoomId,
        &Unsigned::default(),
    ));
    for key in [
        "hashes",
        "signatures",
        "depth",
        "prev_events",
        "auth_events",
        "origin",
    ] {
        assert_eq!(event.get(key), None, "{key}");
    }
}

#[test]
fn stripped_state_has_four_fields() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(event(ALICE, "m.room.name", Some(""), json!({"name": "Registry"})));
    let expected =
        json!({"content": {"name": "Registry"}, "sender": ALICE, "state_key": "", "type": "m.room.name"});
    assert_eq!(read(&stripped(&pdu)), expected);
    let shaped = client_event(&pdu, &RoomVersionId::V12, Shape::Stripped, &Unsigned::default());
    assert_eq!(read(&shaped), expected);
}
