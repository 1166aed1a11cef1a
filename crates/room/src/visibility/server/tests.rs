use ruma::events::room::history_visibility::HistoryVisibility;
use ruma::events::room::member::MembershipState;
use ruma::server_name;
use serde_json::json;

use super::{ServerAtEvent, may_server_see, served};
use crate::test_room::{ALICE, CAROL, TestRoom, VERSIONS, event, member, message};

fn at(visibility: &str, memberships: &[&str], joined_later: bool) -> ServerAtEvent {
    ServerAtEvent {
        visibility: HistoryVisibility::from(visibility),
        visibility_after: None,
        memberships: memberships.iter().map(|m| MembershipState::from(*m)).collect(),
        membership_after: None,
        joined_later,
    }
}

#[test]
fn the_user_who_sees_most_decides() {
    // Visibility, memberships of the server's users, joined later, whether the server sees it.
    let cases: [(&str, &[&str], bool, bool); 16] = [
        ("world_readable", &[], false, true),
        ("world_readable", &["ban"], false, true),
        ("shared", &[], false, false),
        ("shared", &[], true, true),
        ("shared", &["leave", "join"], false, true),
        ("shared", &["invite"], false, false),
        ("shared", &["ban", "leave"], false, false),
        ("invited", &[], true, false),
        ("invited", &["leave", "invite"], false, true),
        ("invited", &["join"], false, true),
        ("invited", &["knock", "ban"], true, false),
        ("joined", &["invite"], true, false),
        ("joined", &["leave", "leave", "join"], false, true),
        ("joined", &[], true, false),
        // "if the value is not understood, the visibility is assumed to be shared"
        ("org.example.unknown", &[], true, true),
        ("org.example.unknown", &["leave"], false, false),
    ];
    for (visibility, memberships, joined_later, expected) in cases {
        assert_eq!(
            may_server_see(&at(visibility, memberships, joined_later)),
            expected,
            "{visibility} {memberships:?}, joined later: {joined_later}"
        );
    }
}

#[test]
fn a_server_sees_the_event_by_which_its_user_comes_or_goes_and_that_opens_the_history() {
    let server = server_name!("b.example");
    let mut room = TestRoom::public(&VERSIONS[0]);
    let join = room.send(member(CAROL, CAROL, "join"));
    let joined = HistoryVisibility::Joined;
    let describe = |pdu, memberships| ServerAtEvent::new(pdu, server, joined.clone(), memberships, false);
    assert!(may_server_see(&describe(&join, vec![])));
    let leave = room.send(member(CAROL, CAROL, "leave"));
    assert!(may_server_see(&describe(&leave, vec![MembershipState::Join])));
    let hello = room.send(message(ALICE, "hello"));
    assert!(!may_server_see(&describe(&hello, vec![MembershipState::Leave])));
    let opened = room.send(event(
        ALICE,
        "m.room.history_visibility",
        Some(""),
        json!({"history_visibility": "world_readable"}),
    ));
    assert!(may_server_see(&describe(&opened, vec![])));
    // Somebody else's membership is none of its business.
    let other = room.send(member("@dora:a.example", "@dora:a.example", "join"));
    assert!(!may_server_see(&describe(&other, vec![])));
}

#[test]
fn what_a_server_may_not_see_it_gets_redacted_under_the_same_id() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let secret = room.send(message(ALICE, "canary"));
        let whole = served(&secret, &version, &at("shared", &["join"], false)).unwrap();
        assert_eq!(whole.json(), secret.json());
        let redacted = served(&secret, &version, &at("joined", &["leave"], true)).unwrap();
        assert!(!redacted.json().contains("canary"), "{}", redacted.json());
        assert_eq!(redacted.event_id(), secret.event_id());
    }
}
