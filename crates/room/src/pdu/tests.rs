use ruma::events::TimelineEventType;
use ruma::events::room::member::MembershipState;
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, RoomVersionId};
use serde_json::{Value, json};

use super::{Pdu, PduError};
use crate::test_room::{ALICE, BOB, TestRoom, member, message};
use crate::version::rules;

fn room_id() -> OwnedRoomId {
    RoomId::parse("!room:a.example").unwrap()
}

fn event_id() -> OwnedEventId {
    EventId::parse("$event").unwrap()
}

fn read(changes: Value) -> Result<Pdu, PduError> {
    let mut event = json!({
        "room_id": "!room:a.example", "sender": ALICE, "type": "m.room.redaction", "content": {},
        "origin_server_ts": 1, "depth": 1, "prev_events": [], "auth_events": [], "hashes": {}, "signatures": {},
    });
    for (key, value) in changes.as_object().unwrap() {
        event[key] = value.clone();
    }
    Pdu::from_stored(&room_id(), &event_id(), &event.to_string())
}

#[test]
fn a_stored_event_gives_back_every_field() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    let sent = room.send(message(BOB, "hello"));
    let pdu = Pdu::from_stored(sent.room_id(), sent.event_id(), sent.json()).unwrap();
    assert_eq!(pdu.room_id(), room.room_id.as_deref().unwrap());
    assert_eq!(pdu.event_id(), sent.event_id());
    assert_eq!(pdu.sender(), BOB);
    assert_eq!(*pdu.kind(), TimelineEventType::RoomMessage);
    assert_eq!(
        (pdu.state_key(), pdu.is_state(), pdu.membership()),
        (None, false, None)
    );
    assert_eq!(pdu.content().get(), r#"{"body":"hello","msgtype":"m.text"}"#);
    assert_eq!(pdu.content_as::<Value>().unwrap()["body"], "hello");
    assert_eq!(pdu.depth(), 6);
    assert_eq!(pdu.prev_events().len(), 1);
    assert_eq!(pdu.auth_events().len(), 3);
    assert_eq!(pdu.json(), sent.json());
    assert_eq!(u64::from(pdu.origin_server_ts().get()), 1_006);
    assert!(!pdu.is_rejected());
    assert!(pdu.clone().with_rejected(true).is_rejected());
}

#[test]
fn membership_is_read_from_membership_state_only() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let ban = room.send(member(ALICE, BOB, "ban"));
    assert_eq!(ban.membership(), Some(MembershipState::Ban));
    let lookalike = json!({"type": "org.example", "state_key": BOB, "content": {"membership": "join"}});
    assert_eq!(read(lookalike).unwrap().membership(), None);
    let message = json!({"type": "m.room.member", "content": {"membership": "join"}});
    assert_eq!(read(message).unwrap().membership(), None);
}

#[test]
fn an_event_is_not_read_in_another_room() {
    let other = read(json!({"room_id": "!other:a.example"}));
    assert!(matches!(other, Err(PduError::OtherRoom { .. })));
}

#[test]
fn what_is_no_event_is_an_error_that_names_the_event() {
    for changes in [
        json!({"sender": "alice"}),
        json!({"depth": -1}),
        json!({"depth": 9_007_199_254_740_992_u64}),
        json!({"depth": 1.0}),
        json!({"depth": null}),
        json!({"type": 1}),
        json!({"state_key": 1}),
        json!({"prev_events": [1]}),
        json!({"auth_events": ["not an event id"]}),
        json!({"origin_server_ts": "1"}),
    ] {
        let error = read(changes.clone()).unwrap_err();
        assert!(error.to_string().contains("$event"), "{changes}: {error}");
    }
    for text in ["", "[]", "{", "null", "{\"content\":{}}"] {
        assert!(
            Pdu::from_stored(&room_id(), &event_id(), text).is_err(),
            "{text:?}"
        );
    }
}

#[test]
fn a_create_event_of_version_12_has_a_room_that_its_json_does_not_name() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let create = room.get(ruma::events::StateEventType::RoomCreate, "").unwrap();
    let stored = Pdu::from_stored(create.room_id(), create.event_id(), create.json()).unwrap();
    assert_eq!(stored.room_id(), room.room_id.as_deref().unwrap());
    assert_eq!(
        ruma::state_res::Event::room_id(&stored),
        None,
        "the authorization rules see the event as it was sent"
    );
}

#[test]
fn a_redaction_that_names_two_targets_is_read_by_its_version() {
    let pdu = read(json!({"redacts": "$top", "content": {"redacts": "$content"}})).unwrap();
    assert_eq!(pdu.redacts(), None);
    assert_eq!(
        pdu.redacts_by(rules(&RoomVersionId::V10).unwrap()).unwrap(),
        "$top"
    );
    assert_eq!(
        pdu.redacts_by(rules(&RoomVersionId::V11).unwrap()).unwrap(),
        "$content"
    );
}

#[test]
fn what_is_no_event_id_redacts_nothing() {
    for redacts in [json!(1), json!("event"), json!({}), json!(null)] {
        let pdu = read(json!({"redacts": redacts, "content": {"redacts": redacts}})).unwrap();
        assert_eq!(pdu.redacts(), None);
    }
    let message = read(json!({"type": "m.room.message", "redacts": "$x"})).unwrap();
    assert_eq!(message.redacts(), None, "only a redaction redacts");
}
