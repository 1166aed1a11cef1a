use ruma::RoomVersionId;
use serde_json::json;

use super::{InviteStateError, MAX_INVITE_STATE, check_invite_state};
use crate::test_room::{ALICE, BOB, TestRoom, VERSIONS, message};

fn state(room: &TestRoom) -> Vec<String> {
    room.state.values().map(|pdu| pdu.json().to_owned()).collect()
}

fn check(room: &TestRoom, entries: &[String], version: &RoomVersionId) -> Result<usize, InviteStateError> {
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    check_invite_state(&entries, room.room_id.as_deref().unwrap(), version).map(|events| events.len())
}

/// A second version 12 room: with a nonce, or the two would have the same id.
fn other_room() -> TestRoom {
    let mut room = TestRoom::empty(&RoomVersionId::V12);
    let mut create = room.create_event();
    create
        .content
        .insert("nonce".to_owned(), "other".to_owned().into());
    room.send(create);
    room
}

#[test]
fn the_state_of_the_room_is_taken() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        assert_eq!(check(&room, &state(&room), &version), Ok(room.state.len()));
    }
}

#[test]
fn since_version_12_everything_must_be_of_the_room_and_its_create_event_be_there() {
    let version = RoomVersionId::V12;
    let room = TestRoom::public(&version);
    let without_create: Vec<_> = state(&room)
        .into_iter()
        .filter(|json| !json.contains("m.room.create"))
        .collect();
    assert_eq!(
        check(&room, &without_create, &version),
        Err(InviteStateError::NoCreateEvent)
    );
    assert_eq!(check(&room, &[], &version), Err(InviteStateError::NoCreateEvent));

    // A create event that founds another room.
    let mut forged = without_create.clone();
    forged.extend(state(&other_room()));
    assert_eq!(check(&room, &forged, &version), Err(InviteStateError::NotOfRoom));

    // A create event that only says that it is of this room.
    let mut named = without_create.clone();
    named.extend(
        state(&room)
            .into_iter()
            .filter(|json| json.contains("m.room.create"))
            .map(|json| {
                let mut event: serde_json::Value = serde_json::from_str(&json).unwrap();
                event["room_id"] = json!(room.room_id.as_deref().unwrap());
                event.to_string()
            }),
    );
    assert_eq!(named.len(), without_create.len() + 1);
    assert_eq!(
        check(&room, &named, &version),
        Err(InviteStateError::NoCreateEvent)
    );

    // Stripped state, as it was before.
    let mut stripped = state(&room);
    stripped
        .push(json!({"type": "m.room.name", "state_key": "", "sender": ALICE, "content": {}}).to_string());
    assert_eq!(
        check(&room, &stripped, &version),
        Err(InviteStateError::NotOfRoom)
    );
    stripped.pop();
    stripped.push("{".to_owned());
    assert_eq!(
        check(&room, &stripped, &version),
        Err(InviteStateError::NotOfRoom)
    );
}

#[test]
fn before_version_12_what_is_no_event_of_the_room_is_left_out() {
    for version in [RoomVersionId::V10, RoomVersionId::V11] {
        let room = TestRoom::public(&version);
        let stripped =
            json!({"type": "m.room.create", "state_key": "", "sender": ALICE, "content": {}}).to_string();
        assert_eq!(check(&room, &[stripped, "x".to_owned()], &version), Ok(0));
        assert_eq!(check(&room, &[], &version), Ok(0));
    }
}

#[test]
fn how_much_may_come_is_bounded() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let event = room.send(message(BOB, "x")).json().to_owned();
        let many = vec![event; MAX_INVITE_STATE + 1];
        assert_eq!(check(&room, &many, &version), Err(InviteStateError::TooMany));
    }
}
