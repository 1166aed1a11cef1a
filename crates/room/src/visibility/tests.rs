use ruma::RoomVersionId;
use ruma::events::room::history_visibility::HistoryVisibility;
use ruma::events::room::member::MembershipState;
use serde_json::json;

use super::{AtEvent, history_visibility, may_see};
use crate::test_room::{ALICE, BOB, DORA, TestRoom, event, member, message, user};

fn at(visibility: &str, membership: &str, joined_later: bool) -> AtEvent {
    AtEvent {
        visibility: HistoryVisibility::from(visibility),
        visibility_after: None,
        membership: MembershipState::from(membership),
        membership_after: None,
        joined_later,
    }
}

/// One line for each visibility; columns: never there, invited, joined, left, banned at the event.
/// `y` may see, `n` may not, `l` only if they joined later.
const TABLE: [(&str, [char; 5]); 5] = [
    ("world_readable", ['y', 'y', 'y', 'y', 'y']),
    ("shared", ['l', 'l', 'y', 'l', 'l']),
    ("invited", ['n', 'y', 'y', 'n', 'n']),
    ("joined", ['n', 'n', 'y', 'n', 'n']),
    // "if the value is not understood, the visibility is assumed to be shared"
    ("org.example.unknown", ['l', 'l', 'y', 'l', 'l']),
];

const MEMBERSHIPS: [&str; 5] = ["leave", "invite", "join", "leave", "ban"];

#[test]
fn visibility_and_membership_at_the_event_decide_as_the_table_says() {
    for (visibility, line) in TABLE {
        for (membership, cell) in MEMBERSHIPS.into_iter().zip(line) {
            for joined_later in [false, true] {
                let expected = cell == 'y' || (cell == 'l' && joined_later);
                let seen = may_see(&at(visibility, membership, joined_later));
                assert_eq!(
                    seen, expected,
                    "{visibility}, {membership}, joined later: {joined_later}"
                );
            }
        }
    }
}

#[test]
fn knocking_and_unknown_memberships_count_as_not_being_there() {
    for membership in ["knock", "org.example.dance"] {
        for (visibility, line) in TABLE {
            for joined_later in [false, true] {
                let expected = line[0] == 'y' || (line[0] == 'l' && joined_later);
                assert_eq!(may_see(&at(visibility, membership, joined_later)), expected);
            }
        }
    }
}

#[test]
fn a_change_of_visibility_is_seen_if_either_side_of_it_allows() {
    for (before, after) in [("world_readable", "joined"), ("joined", "world_readable")] {
        let mut change = at(before, "leave", false);
        change.visibility_after = Some(HistoryVisibility::from(after));
        assert!(may_see(&change), "{before} to {after}");
    }
    let mut change = at("joined", "leave", true);
    change.visibility_after = Some(HistoryVisibility::Invited);
    assert!(!may_see(&change));
}

#[test]
fn own_membership_events_are_seen_if_either_side_of_them_allows() {
    for (before, after, expected) in [
        ("leave", "join", true),
        ("invite", "join", true),
        ("join", "leave", true),
        ("join", "ban", true),
        ("leave", "ban", false),
        ("leave", "invite", false),
    ] {
        let mut change = at("joined", before, false);
        change.membership_after = Some(MembershipState::from(after));
        assert_eq!(may_see(&change), expected, "{before} to {after} under joined");
    }
    let mut invitation = at("invited", "leave", false);
    invitation.membership_after = Some(MembershipState::Invite);
    assert!(may_see(&invitation));
}

#[test]
fn what_an_event_changes_is_read_from_the_event() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let describe = |pdu: &crate::pdu::Pdu, id: &str| {
        AtEvent::new(
            pdu,
            &user(id),
            HistoryVisibility::Joined,
            MembershipState::Leave,
            false,
        )
    };
    let join = room.send(member(DORA, DORA, "join"));
    assert_eq!(
        describe(&join, DORA).membership_after,
        Some(MembershipState::Join)
    );
    assert_eq!(
        describe(&join, BOB).membership_after,
        None,
        "someone else's membership"
    );

    let content = json!({"history_visibility": "world_readable"});
    let change = room.send(event(
        ALICE,
        "m.room.history_visibility",
        Some(""),
        content.clone(),
    ));
    assert!(may_see(&describe(&change, BOB)));
    let elsewhere = room.send(event(ALICE, "m.room.history_visibility", Some("x"), content));
    assert!(
        !may_see(&describe(&elsewhere, BOB)),
        "only the empty state key is the room's"
    );
    let message = room.send(message(BOB, "hello"));
    assert!(!may_see(&describe(&message, DORA)));
}

#[test]
fn a_missing_or_unreadable_visibility_is_shared() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    assert_eq!(history_visibility(None), HistoryVisibility::Shared);
    for (content, expected) in [
        (json!({}), HistoryVisibility::Shared),
        (json!({"history_visibility": 1}), HistoryVisibility::Shared),
        (json!({"history_visibility": "joined"}), HistoryVisibility::Joined),
    ] {
        let pdu = room.send(event(ALICE, "m.room.history_visibility", Some(""), content));
        assert_eq!(history_visibility(Some(&pdu)), expected);
    }
}
