use ruma::events::room::power_levels::UserPowerLevel;
use ruma::events::{StateEventType, TimelineEventType};
use ruma::{RoomVersionId, int};
use serde_json::json;

use super::{Power, PowerError};
use crate::test_room::{ALICE, BOB, DORA, TestRoom, VERSIONS, event, user};

fn room_with(version: &RoomVersionId, levels: serde_json::Value) -> TestRoom {
    let mut room = TestRoom::public(version);
    room.send(room.power_levels(levels));
    room
}

#[test]
fn creators_of_version_12_have_infinite_power_and_earlier_ones_a_level() {
    for version in VERSIONS {
        let power = TestRoom::public(&version).power();
        let expected = match version {
            RoomVersionId::V12 => UserPowerLevel::Infinite,
            _ => UserPowerLevel::Int(int!(100)),
        };
        assert_eq!(power.level_of(&user(ALICE)), expected);
        assert_eq!(power.level_of(&user(BOB)), UserPowerLevel::Int(int!(0)));
        assert_eq!(
            power.creators().iter().map(|id| id.as_str()).collect::<Vec<_>>(),
            [ALICE]
        );
    }
}

#[test]
fn additional_creators_have_infinite_power_in_version_12_only() {
    for version in VERSIONS {
        let mut room = TestRoom::empty(&version);
        let mut create = room.create_event();
        create
            .content
            .insert("additional_creators".to_owned(), json!([BOB]).try_into().unwrap());
        room.send(create);
        let infinite = room.power().level_of(&user(BOB)) == UserPowerLevel::Infinite;
        assert_eq!(infinite, version == RoomVersionId::V12);
    }
}

#[test]
fn without_power_levels_the_defaults_of_the_specification_hold() {
    for version in VERSIONS {
        let mut room = TestRoom::empty(&version);
        room.send(room.create_event());
        let power = room.power();
        assert!(power.level_of(&user(ALICE)) >= int!(100));
        assert!(power.may_send(&TimelineEventType::RoomMessage, false, &user(BOB)));
        assert!(!power.may_send(&TimelineEventType::RoomName, true, &user(BOB)));
        assert!(power.may_invite(&user(BOB)));
        assert!(!power.may_kick(&user(BOB)));
        assert!(!power.may_ban(&user(BOB)));
        assert!(!power.may_redact_others(&user(BOB)));
        assert!(!power.may_notify_room(&user(BOB)));
    }
}

#[test]
fn levels_decide_about_each_action() {
    let levels = json!({
        "users": {BOB: 50, DORA: 49}, "invite": 50, "kick": 50, "ban": 50, "redact": 50,
        "events": {"m.room.message": 50, "m.room.name": 50}, "notifications": {"room": 50},
    });
    for version in VERSIONS {
        let power = room_with(&version, levels.clone()).power();
        for (id, may) in [(BOB, true), (DORA, false), (ALICE, true)] {
            let id = user(id);
            assert_eq!(power.may_invite(&id), may);
            assert_eq!(power.may_kick(&id), may);
            assert_eq!(power.may_ban(&id), may);
            assert_eq!(power.may_redact_others(&id), may);
            assert_eq!(power.may_notify_room(&id), may);
            assert_eq!(power.may_send(&TimelineEventType::RoomMessage, false, &id), may);
            assert_eq!(power.may_send_state(&StateEventType::RoomName, &id), may);
        }
    }
}

#[test]
fn nobody_acts_on_an_equal_or_higher_user() {
    let levels = json!({"users": {BOB: 50, DORA: 50}});
    for version in VERSIONS {
        let power = room_with(&version, levels.clone()).power();
        let (alice, bob, dora, eve) = (user(ALICE), user(BOB), user(DORA), user("@eve:a.example"));
        for (target, may) in [(&eve, true), (&dora, false), (&alice, false)] {
            assert_eq!(power.may_kick_user(&bob, target), may);
            assert_eq!(power.may_ban_user(&bob, target), may);
            assert_eq!(power.may_unban_user(&bob, target), may);
        }
        assert!(power.may_kick_user(&alice, &dora));
        assert!(!power.may_change_level_of(&bob, &dora));
        assert!(power.may_change_level_of(&alice, &dora));
    }
}

#[test]
fn the_level_of_a_type_depends_on_whether_it_is_state() {
    let power = room_with(
        &RoomVersionId::V11,
        json!({"state_default": 30, "events_default": 10}),
    )
    .power();
    let custom = TimelineEventType::from("org.example");
    assert_eq!(power.level_to_send(&custom, true), int!(30));
    assert_eq!(power.level_to_send(&custom, false), int!(10));
}

#[test]
fn unreadable_power_levels_are_an_error_and_not_the_defaults() {
    let room = TestRoom::public(&RoomVersionId::V11);
    let broken = event(ALICE, "org.example", Some(""), json!({"ban": []}));
    let broken = room.build(broken).unwrap();
    let create = room.get(StateEventType::RoomCreate, "");
    let result = Power::new(create, Some(&broken), &RoomVersionId::V11);
    assert!(matches!(result, Err(PowerError::PowerLevels(_))));
    let result = Power::new(create, None, &RoomVersionId::V9);
    assert!(matches!(result, Err(PowerError::UnsupportedVersion(_))));
}
