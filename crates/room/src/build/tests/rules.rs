//! Each authorization rule of versions 10, 11 and 12 that an own user can run into, violated once.

use ruma::RoomVersionId;
use ruma::events::StateEventType;
use serde_json::{Value, json};

use super::super::{BuildError, NewEvent};
use crate::test_room::{ALICE, BOB, CAROL, DORA, TestRoom, VERSIONS, event, member, message, user};

/// Asserts that in each version the event is refused in a public room after `before`, with a text that has
/// `reason` in it.
#[track_caller]
fn refused(before: &[NewEvent], new: NewEvent, reason: &str) {
    for version in VERSIONS {
        let rule = room_after(&version, before).refusal(new.clone());
        assert!(rule.contains(reason), "version {version}: {rule}");
    }
}

#[track_caller]
fn allowed(before: &[NewEvent], new: NewEvent) {
    for version in VERSIONS {
        let result = room_after(&version, before).build(new.clone());
        assert!(result.is_ok(), "version {version}: {}", result.unwrap_err());
    }
}

fn room_after(version: &RoomVersionId, before: &[NewEvent]) -> TestRoom {
    let mut room = TestRoom::public(version);
    for new in before {
        room.send(new.clone());
    }
    room
}

fn join_rule(rule: &str) -> NewEvent {
    event(ALICE, "m.room.join_rules", Some(""), json!({"join_rule": rule}))
}

/// Power levels in which Bob has 50. `more` is put on top.
fn bob_is_moderator(version: &RoomVersionId, more: Value) -> NewEvent {
    let mut content = json!({"users": {BOB: 50}});
    for (key, value) in more.as_object().unwrap() {
        content[key] = value.clone();
    }
    TestRoom::empty(version).power_levels(content)
}

/// Like [`refused`], after Bob became a moderator.
#[track_caller]
fn refused_to_moderator(more: Value, change: impl Fn(&mut NewEvent), reason: &str) {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let mut new = bob_is_moderator(&version, more.clone());
        room.send(new.clone());
        new.sender = user(BOB);
        change(&mut new);
        let rule = room.refusal(new);
        assert!(rule.contains(reason), "version {version}: {rule}");
    }
}

fn set(new: &mut NewEvent, key: &str, value: Value) {
    new.content.insert(key.to_owned(), value.try_into().unwrap());
}

#[test]
fn a_second_create_event_is_refused() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let rule = room.refusal(room.create_event());
        assert!(rule.contains("previous events"), "{rule}");
    }
}

#[test]
fn a_create_event_that_names_a_room_is_refused_in_version_12() {
    let mut room = TestRoom::empty(&RoomVersionId::V12);
    room.room_id = TestRoom::public(&RoomVersionId::V12).room_id;
    assert!(
        room.refusal(room.create_event())
            .contains("cannot have a `room_id`")
    );
}

#[test]
fn a_room_of_another_server_can_not_be_created_before_version_12() {
    for version in [RoomVersionId::V10, RoomVersionId::V11] {
        let room = TestRoom::empty(&version);
        let mut create = room.create_event();
        create.sender = user(CAROL);
        assert!(
            room.refusal(create)
                .contains("does not match sender's server name")
        );
    }
}

#[test]
fn a_create_event_of_version_10_needs_a_creator() {
    let room = TestRoom::empty(&RoomVersionId::V10);
    let create = event(ALICE, "m.room.create", Some(""), json!({"room_version": "10"}));
    assert!(room.refusal(create).contains("creator"));
}

#[test]
fn additional_creators_must_be_user_ids_in_version_12() {
    let room = TestRoom::empty(&RoomVersionId::V12);
    for creators in [json!("@x:a.example"), json!(["alice"]), json!([1])] {
        let content = json!({"room_version": "12", "additional_creators": creators});
        let rule = room.refusal(event(ALICE, "m.room.create", Some(""), content));
        assert!(rule.contains("additional_creators"), "{rule}");
    }
}

#[test]
fn an_event_without_a_create_event_is_refused() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.state.remove(&(StateEventType::RoomCreate, String::new()));
        assert!(room.refusal(message(BOB, "hello")).contains("create"));
    }
}

#[test]
fn users_of_other_servers_are_kept_out_of_rooms_that_are_not_federated() {
    for version in VERSIONS {
        let mut room = TestRoom::empty(&version);
        let mut create = room.create_event();
        set(&mut create, "m.federate", json!(false));
        room.send(create);
        room.send(member(ALICE, ALICE, "join"));
        room.send(join_rule("public"));
        assert!(
            room.refusal(member(CAROL, CAROL, "join"))
                .contains("not federated")
        );
        assert!(room.build(member(BOB, BOB, "join")).is_ok());
    }
}

#[test]
fn membership_needs_a_state_key_and_a_known_value() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let no_key = event(BOB, "m.room.member", None, json!({"membership": "join"}));
        assert!(matches!(room.build(no_key), Err(BuildError::BadContent(_))));
        let no_value = event(BOB, "m.room.member", Some(BOB), json!({}));
        assert!(matches!(room.build(no_value), Err(BuildError::BadContent(_))));
        assert!(
            room.refusal(member(BOB, BOB, "dance"))
                .contains("unknown membership")
        );
    }
}

#[test]
fn nobody_joins_for_another() {
    refused(
        &[],
        member(BOB, DORA, "join"),
        "sender of join event must match target user",
    );
}

#[test]
fn the_banned_can_not_join() {
    refused(
        &[member(ALICE, DORA, "ban")],
        member(DORA, DORA, "join"),
        "banned",
    );
}

#[test]
fn a_room_by_invitation_is_joined_by_the_invited_only() {
    let by_invitation = [join_rule("invite")];
    refused(&by_invitation, member(DORA, DORA, "join"), "not `public`");
    allowed(
        &[join_rule("invite"), member(ALICE, DORA, "invite")],
        member(DORA, DORA, "join"),
    );
}

#[test]
fn a_restricted_room_is_joined_through_someone_who_may_invite() {
    let join = |via: &str| {
        let content = json!({"membership": "join", "join_authorised_via_users_server": via});
        event(DORA, "m.room.member", Some(DORA), content)
    };
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(join_rule("restricted"));
        assert!(
            room.refusal(member(DORA, DORA, "join"))
                .contains("join_authorised_via_users_server")
        );
        assert!(
            room.refusal(join("@nobody:a.example")).contains("not joined"),
            "authorizer must be in the room"
        );
        room.send(bob_is_moderator(&version, json!({"invite": 60})));
        assert!(
            room.refusal(join(BOB)).contains("enough power"),
            "authorizer must be allowed to invite"
        );
        assert!(room.build(join(ALICE)).is_ok());
    }
}

#[test]
fn an_unknown_join_rule_lets_nobody_in() {
    refused(
        &[join_rule("org.example.rule")],
        member(DORA, DORA, "join"),
        "join",
    );
}

#[test]
fn only_members_with_the_level_invite_who_is_not_there() {
    refused(&[], member(DORA, "@eve:a.example", "invite"), "not joined");
    refused(&[], member(ALICE, BOB, "invite"), "joined or banned");
    refused(
        &[member(ALICE, DORA, "ban")],
        member(ALICE, DORA, "invite"),
        "joined or banned",
    );
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(room.power_levels(json!({"invite": 50})));
        assert!(
            room.refusal(member(BOB, DORA, "invite"))
                .contains("enough power to invite")
        );
    }
}

#[test]
fn an_invitation_by_third_party_needs_the_event_it_stands_on() {
    let signed = json!({"mxid": DORA, "token": "abc", "signatures": {}});
    let content = json!({"membership": "invite", "third_party_invite": {"signed": signed}});
    refused(
        &[],
        event(BOB, "m.room.member", Some(DORA), content),
        "third_party_invite",
    );
}

#[test]
fn only_members_leave_and_the_invited_decline() {
    refused(&[], member(DORA, DORA, "leave"), "not joined, invited or knocked");
    allowed(&[], member(BOB, BOB, "leave"));
    allowed(&[member(ALICE, DORA, "invite")], member(DORA, DORA, "leave"));
}

#[test]
fn kicking_needs_the_level_and_more_power_than_the_target() {
    refused(&[], member(DORA, BOB, "leave"), "not joined");
    refused(&[], member(BOB, ALICE, "leave"), "enough power to kick");
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(member(DORA, DORA, "join"));
        room.send(room.power_levels(json!({"users": {BOB: 50, DORA: 50}})));
        assert!(
            room.refusal(member(BOB, DORA, "leave"))
                .contains("enough power to kick")
        );
        assert!(
            room.refusal(member(BOB, DORA, "ban"))
                .contains("enough power to ban")
        );
        assert!(
            room.refusal(member(BOB, ALICE, "ban"))
                .contains("enough power to ban")
        );
        assert!(room.build(member(ALICE, DORA, "leave")).is_ok());
    }
}

#[test]
fn unbanning_needs_the_ban_level() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(member(ALICE, DORA, "ban"));
        room.send(bob_is_moderator(&version, json!({"ban": 60, "kick": 0})));
        assert!(
            room.refusal(member(BOB, DORA, "leave"))
                .contains("power to unban")
        );
        assert!(room.build(member(ALICE, DORA, "leave")).is_ok());
    }
}

#[test]
fn knocking_needs_a_join_rule_that_has_it() {
    refused(&[], member(DORA, DORA, "knock"), "join rule");
    let knock = [join_rule("knock")];
    allowed(&knock, member(DORA, DORA, "knock"));
    refused(&knock, member(BOB, DORA, "knock"), "another user knock");
    refused(&knock, member(BOB, BOB, "knock"), "knock");
    refused(
        &[join_rule("knock"), member(ALICE, DORA, "ban")],
        member(DORA, DORA, "knock"),
        "knock",
    );
    allowed(&[join_rule("knock_restricted")], member(DORA, DORA, "knock"));
}

#[test]
fn only_members_send() {
    refused(&[], message(DORA, "hello"), "membership is not `join`");
    refused(
        &[member(ALICE, DORA, "invite")],
        message(DORA, "hello"),
        "membership is not `join`",
    );
    refused(
        &[member(BOB, BOB, "leave")],
        message(BOB, "hello"),
        "membership is not `join`",
    );
    refused(
        &[member(ALICE, BOB, "ban")],
        message(BOB, "hello"),
        "membership is not `join`",
    );
}

#[test]
fn a_third_party_invitation_needs_the_invite_level() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(room.power_levels(json!({"invite": 50})));
        let invite = event(BOB, "m.room.third_party_invite", Some("token"), json!({}));
        assert!(room.refusal(invite).contains("power to send invites"));
    }
}

#[test]
fn events_need_the_level_of_their_type() {
    refused(
        &[],
        event(BOB, "m.room.name", Some(""), json!({"name": "x"})),
        "`m.room.name`",
    );
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(room.power_levels(json!({"events_default": 10, "events": {"m.reaction": 0}})));
        assert!(room.refusal(message(BOB, "hello")).contains("`m.room.message`"));
        assert!(room.build(event(BOB, "m.reaction", None, json!({}))).is_ok());
    }
}

#[test]
fn state_under_a_user_id_is_that_users() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        room.send(room.power_levels(json!({"state_default": 0})));
        let state = |key: &str| event(BOB, "org.example.state", Some(key), json!({}));
        assert!(room.refusal(state(ALICE)).contains("another user's ID"));
        assert!(room.build(state(BOB)).is_ok());
        assert!(room.build(state("anything")).is_ok());
    }
}

#[test]
fn power_levels_must_be_integers() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for bad in [
            json!({"ban": "50"}),
            json!({"users_default": null}),
            json!({"events": {"m.room.name": "50"}}),
            json!({"events": []}),
            json!({"notifications": {"room": true}}),
            json!({"users": {"bob": 1}}),
            json!({"users": {BOB: "50"}}),
        ] {
            let mut new = event(ALICE, "m.room.power_levels", Some(""), bad.clone());
            if version != RoomVersionId::V12 && bad.get("users").is_none() {
                set(&mut new, "users", json!({ALICE: 100}));
            }
            assert!(
                room.refusal(new).contains("power_levels"),
                "version {version}: {bad}"
            );
        }
    }
}

#[test]
fn power_levels_of_version_12_must_not_list_a_creator() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let new = event(
        ALICE,
        "m.room.power_levels",
        Some(""),
        json!({"users": {ALICE: 100}}),
    );
    assert!(room.refusal(new).contains("creator user IDs"));
}

#[test]
fn a_moderator_sets_no_level_above_their_own() {
    let level = json!({"events": {"m.room.power_levels": 50}});
    refused_to_moderator(level.clone(), |new| set(new, "ban", json!(51)), "`ban`");
    refused_to_moderator(
        level.clone(),
        |new| {
            set(
                new,
                "events",
                json!({"m.room.power_levels": 50, "m.room.name": 51}),
            )
        },
        "`m.room.name`",
    );
    refused_to_moderator(
        level,
        |new| set(new, "notifications", json!({"room": 51})),
        "`room`",
    );
}

#[test]
fn a_moderator_changes_no_level_that_is_above_their_own() {
    let levels = json!({"ban": 60, "events": {"m.room.power_levels": 50, "m.room.name": 60}});
    refused_to_moderator(levels.clone(), |new| set(new, "ban", json!(50)), "`ban`");
    refused_to_moderator(
        levels,
        |new| set(new, "events", json!({"m.room.power_levels": 50})),
        "`m.room.name`",
    );
}

#[test]
fn a_moderator_raises_nobody_above_themselves_and_lowers_no_equal() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let levels = json!({
            "users": {BOB: 50, DORA: 50},
            "events": {"m.room.power_levels": 50},
        });
        room.send(room.power_levels(levels.clone()));
        let by_bob = |users: Value| {
            let mut content = levels.clone();
            content["users"] = users;
            let mut new = room.power_levels(content);
            new.sender = user(BOB);
            new
        };
        for users in [
            json!({BOB: 51, DORA: 50}),
            json!({BOB: 50, DORA: 51}),
            json!({BOB: 50, DORA: 49}),
        ] {
            assert!(room.refusal(by_bob(users)).contains("power level"));
        }
        assert!(
            room.build(by_bob(json!({BOB: 49, DORA: 50}))).is_ok(),
            "everyone may lower themselves"
        );
    }
}

#[test]
fn creators_of_version_12_outrank_every_level() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let max = (1_i64 << 53) - 1;
    room.send(room.power_levels(json!({"users": {BOB: max}, "events": {"m.room.name": max}})));
    assert!(
        room.refusal(member(BOB, ALICE, "leave"))
            .contains("enough power to kick")
    );
    assert!(
        room.build(event(ALICE, "m.room.name", Some(""), json!({"name": "x"})))
            .is_ok()
    );
}
