use std::sync::Arc;

use ruma::events::StateEventType;
use ruma::{EventId, OwnedEventId, RoomVersionId};
use serde_json::{Value, json};

use super::super::read;
use super::super::tests::signed;
use super::{Against, AuthEventsError, Refusal, Verdict, allowed_by, auth_state, judge, needed_state};
use crate::build::AuthState;
use crate::pdu::Pdu;
use crate::test_room::{ALICE, BOB, CAROL, DORA, TestRoom, VERSIONS, event, key, member, message};

/// The event as another server may make it, with other fields than ours would have.
fn forged(room: &TestRoom, pdu: &Pdu, changes: &Value) -> Arc<Pdu> {
    let mut value: Value = serde_json::from_str(pdu.json()).unwrap();
    for (field, change) in changes.as_object().unwrap() {
        value[field] = change.clone();
    }
    let text = signed(value, "a.example", &key(), &room.version);
    let read = read(&text, room.room_id.as_deref().unwrap(), &room.version).unwrap();
    Arc::new(Pdu::from_stored(read.room_id(), read.event_id(), &text).unwrap())
}

fn auth(room: &TestRoom, pdu: &Pdu) -> Result<AuthState, AuthEventsError> {
    auth_state(pdu, &room.version, |id: &EventId| room.events.get(id).cloned())
}

fn refusal(room: &TestRoom, pdu: &Pdu) -> Refusal {
    match auth(room, pdu) {
        Err(AuthEventsError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn id_of(room: &TestRoom, kind: &str, state_key: &str) -> OwnedEventId {
    room.get(StateEventType::from(kind), state_key)
        .unwrap()
        .event_id()
        .to_owned()
}

/// A room with Bob's message in it, and the ids that the message cites.
fn sample(version: &RoomVersionId) -> (TestRoom, Arc<Pdu>, Vec<OwnedEventId>) {
    let mut room = TestRoom::public(version);
    let pdu = room.send(message(BOB, "hello"));
    let cited = pdu.auth_events().to_vec();
    (room, pdu, cited)
}

#[test]
fn what_we_build_is_accepted() {
    for version in VERSIONS {
        let mut room = TestRoom::empty(&version);
        for step in 0..5 {
            let new = match step {
                0 => room.create_event(),
                1 => member(ALICE, ALICE, "join"),
                2 => room.power_levels(json!({})),
                3 => event(
                    ALICE,
                    "m.room.join_rules",
                    Some(""),
                    json!({"join_rule": "public"}),
                ),
                _ => member(BOB, BOB, "join"),
            };
            let before = room.state.clone();
            let pdu = room.send(new);
            let auth = auth(&room, &pdu).unwrap();
            assert_eq!(
                judge(&pdu, &version, &auth, &before, Some(&before)),
                Verdict::Accept
            );
            for key in needed_state(&pdu, &version).unwrap() {
                assert_eq!(
                    auth.get(&key).map(|pdu| pdu.event_id()),
                    before.get(&key).map(|pdu| pdu.event_id())
                );
            }
        }
    }
}

#[test]
fn missing_auth_events_are_named_and_nothing_is_decided() {
    for version in VERSIONS {
        let (mut room, pdu, cited) = sample(&version);
        let unknown = EventId::parse(format!("${}", "a".repeat(43))).unwrap();
        let mut ids = cited.clone();
        ids.push(unknown.clone());
        let changed = forged(&room, &pdu, &json!({"auth_events": ids}));
        match auth(&room, &changed) {
            Err(AuthEventsError::Missing(missing)) => assert_eq!(missing, [unknown]),
            other => panic!("{other:?}"),
        }
        // The create event of a version 12 room, too, which nothing names.
        let create = id_of(&room, "m.room.create", "");
        room.events.remove(&create);
        match auth(&room, &pdu) {
            Err(AuthEventsError::Missing(missing)) => assert_eq!(missing, [create]),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn auth_events_that_must_not_be_there_reject() {
    for version in VERSIONS {
        let (mut room, pdu, cited) = sample(&version);
        let join_rules = id_of(&room, "m.room.join_rules", "");
        let alice = id_of(&room, "m.room.member", ALICE);
        let old_member = id_of(&room, "m.room.member", BOB);
        let new_member = room.send(member(BOB, BOB, "join")).event_id().to_owned();
        let chat = room.send(message(ALICE, "hi")).event_id().to_owned();
        let with = |more: &OwnedEventId| {
            let mut ids = cited.clone();
            ids.push(more.clone());
            refusal(&room, &forged(&room, &pdu, &json!({"auth_events": ids})))
        };
        assert_eq!(with(&join_rules), Refusal::UnneededAuthEvent(join_rules.clone()));
        assert_eq!(with(&alice), Refusal::UnneededAuthEvent(alice.clone()));
        // "a message as auth event"
        assert_eq!(with(&chat), Refusal::UnneededAuthEvent(chat.clone()));
        assert_eq!(with(&new_member), Refusal::DuplicateAuthEvent(new_member.clone()));
        // The very same one twice.
        assert_eq!(with(&old_member), Refusal::DuplicateAuthEvent(old_member.clone()));
    }
}

#[test]
fn an_auth_event_of_another_room_rejects() {
    for version in VERSIONS {
        let (mut room, pdu, cited) = sample(&version);
        let mut other = TestRoom::empty(&version);
        if version != RoomVersionId::V12 {
            other.room_id = Some(ruma::RoomId::parse("!other:a.example").unwrap());
        }
        let mut create = other.create_event();
        create.sender = crate::test_room::user(BOB);
        if version == RoomVersionId::V10 {
            create.content.insert("creator".to_owned(), BOB.to_owned().into());
        }
        other.send(create);
        let stranger = other.send(member(BOB, BOB, "join"));
        room.events
            .insert(stranger.event_id().to_owned(), Arc::clone(&stranger));
        let member_id = id_of(&room, "m.room.member", BOB);
        let ids: Vec<_> = cited
            .iter()
            .map(|id| if *id == member_id { stranger.event_id() } else { id })
            .collect();
        let changed = forged(&room, &pdu, &json!({"auth_events": ids}));
        assert_eq!(
            refusal(&room, &changed),
            Refusal::AuthEventOfOtherRoom(stranger.event_id().to_owned())
        );
    }
}

#[test]
fn a_rejected_auth_event_rejects_and_so_does_a_rejected_create_event() {
    for version in VERSIONS {
        for kind in [
            ("m.room.power_levels", ""),
            ("m.room.member", BOB),
            ("m.room.create", ""),
        ] {
            let (mut room, pdu, _) = sample(&version);
            let id = id_of(&room, kind.0, kind.1);
            let rejected = Pdu::clone(&room.events[&id]).with_rejected(true);
            room.events.insert(id.clone(), Arc::new(rejected));
            assert_eq!(
                refusal(&room, &pdu),
                Refusal::RejectedAuthEvent(id),
                "{version} {kind:?}"
            );
        }
    }
}

#[test]
fn without_a_create_event_among_the_auth_events_nothing_is_allowed() {
    for version in [RoomVersionId::V10, RoomVersionId::V11] {
        let (room, pdu, cited) = sample(&version);
        let create = id_of(&room, "m.room.create", "");
        let ids: Vec<_> = cited.iter().filter(|id| **id != create).collect();
        let changed = forged(&room, &pdu, &json!({"auth_events": ids}));
        assert_eq!(refusal(&room, &changed), Refusal::NoCreateEvent);
    }
}

#[test]
fn an_event_whose_auth_events_dont_allow_it_is_rejected_whatever_the_state_says() {
    for version in VERSIONS {
        let (room, pdu, cited) = sample(&version);
        let member_id = id_of(&room, "m.room.member", BOB);
        let ids: Vec<_> = cited.iter().filter(|id| **id != member_id).collect();
        let changed = forged(&room, &pdu, &json!({"auth_events": ids}));
        let auth = auth(&room, &changed).unwrap();
        let verdict = judge(&changed, &version, &auth, &room.state, Some(&room.state));
        assert!(
            matches!(verdict, Verdict::Reject(Against::AuthEvents, Refusal::Rule(_))),
            "{verdict:?}"
        );
    }
}

#[test]
fn the_state_before_rejects_and_the_current_state_soft_fails() {
    for version in VERSIONS {
        let (mut room, pdu, _) = sample(&version);
        let before = room.state.clone();
        room.send(member(ALICE, BOB, "ban"));
        let banned = room.state.clone();
        let auth = auth(&room, &pdu).unwrap();
        let verdict = judge(&pdu, &version, &auth, &before, Some(&banned));
        assert!(
            matches!(verdict, Verdict::SoftFail(Refusal::Rule(_))),
            "{verdict:?}"
        );
        let verdict = judge(&pdu, &version, &auth, &banned, Some(&before));
        assert!(
            matches!(verdict, Verdict::Reject(Against::StateBefore, Refusal::Rule(_))),
            "{verdict:?}"
        );
        assert_eq!(judge(&pdu, &version, &auth, &before, None), Verdict::Accept);
    }
}

#[test]
fn rejected_events_in_a_state_allow_nothing() {
    for version in VERSIONS {
        let (room, pdu, _) = sample(&version);
        let mut state = room.state.clone();
        let key = (StateEventType::RoomMember, BOB.to_owned());
        let rejected = Pdu::clone(&state[&key]).with_rejected(true);
        state.insert(key, Arc::new(rejected));
        assert!(matches!(
            allowed_by(&pdu, &version, &state),
            Err(Refusal::Rule(_))
        ));
    }
}

#[test]
fn a_create_event_must_be_of_the_rooms_version() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let create = room.get(StateEventType::RoomCreate, "").unwrap();
        for named in [json!("99"), json!("9"), json!(12), json!(null), json!({})] {
            let mut content: Value = serde_json::from_str(create.content().get()).unwrap();
            content["room_version"] = named;
            let changed = changed_create(create, &content, &version);
            assert_eq!(refusal(&room, &changed), Refusal::OtherVersion);
        }
        let mut content: Value = serde_json::from_str(create.content().get()).unwrap();
        content.as_object_mut().unwrap().remove("room_version");
        assert_eq!(
            refusal(&room, &changed_create(create, &content, &version)),
            Refusal::OtherVersion
        );
    }
}

fn changed_create(create: &Pdu, content: &Value, version: &RoomVersionId) -> Pdu {
    let mut value: Value = serde_json::from_str(create.json()).unwrap();
    value["content"] = content.clone();
    let text = signed(value, "a.example", &key(), version);
    Pdu::from_stored(create.room_id(), create.event_id(), &text).unwrap()
}

#[test]
fn create_events_that_the_rules_dont_allow_are_rejected() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let create = room.get(StateEventType::RoomCreate, "").unwrap();
        let change = |field: &str, change: Value| {
            let mut value: Value = serde_json::from_str(create.json()).unwrap();
            value[field] = change;
            let text = signed(value, "a.example", &key(), &version);
            Pdu::from_stored(create.room_id(), create.event_id(), &text).unwrap()
        };
        assert!(auth(&room, create).is_ok());
        let id = format!("${}", "a".repeat(43));
        assert!(matches!(
            refusal(&room, &change("prev_events", json!([id]))),
            Refusal::Rule(_)
        ));
        if version == RoomVersionId::V12 {
            let named = change("room_id", json!(room.room_id));
            assert!(matches!(refusal(&room, &named), Refusal::Rule(_)));
            for creators in [json!("x"), json!([5]), json!(["bob"]), json!({}), json!(null)] {
                let mut content: Value = serde_json::from_str(create.content().get()).unwrap();
                content["additional_creators"] = creators;
                assert!(matches!(
                    refusal(&room, &changed_create(create, &content, &version)),
                    Refusal::Rule(_)
                ));
            }
        } else {
            let stranger = change("sender", json!(CAROL));
            assert!(matches!(refusal(&room, &stranger), Refusal::Rule(_)));
        }
        if version == RoomVersionId::V10 {
            let content = json!({"room_version": "10"});
            assert!(matches!(
                refusal(&room, &changed_create(create, &content, &version)),
                Refusal::Rule(_)
            ));
        }
    }
}

#[test]
fn memberships_that_say_null_where_something_must_stand_are_rejected() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let invite = room.send(member(ALICE, DORA, "invite"));
        for content in [
            json!({"membership": "invite", "third_party_invite": null}),
            json!({"membership": "invite", "third_party_invite": "x"}),
            json!({"membership": "invite", "third_party_invite": []}),
        ] {
            let changed = forged(&room, &invite, &json!({"content": content}));
            assert_eq!(
                refusal(&room, &changed),
                Refusal::ThirdPartyInviteUnsigned,
                "{content}"
            );
        }
        let join = room.send(member(DORA, DORA, "join"));
        for authorizer in [json!(null), json!("dora"), json!(5), json!("@dora")] {
            let content = json!({"membership": "join", "join_authorised_via_users_server": authorizer});
            let changed = forged(&room, &join, &json!({"content": content}));
            assert_eq!(refusal(&room, &changed), Refusal::NoAuthorizer, "{content}");
        }
    }
}

#[test]
fn a_membership_without_a_membership_is_rejected_and_doesnt_panic() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let join = room.send(member(DORA, DORA, "join"));
        for content in [json!({}), json!({"membership": 5}), json!({"membership": null})] {
            let changed = forged(&room, &join, &json!({"content": content}));
            assert!(matches!(refusal(&room, &changed), Refusal::Rule(_)));
            assert!(needed_state(&changed, &version).is_err());
        }
        let unknown = forged(&room, &join, &json!({"content": {"membership": "dance"}}));
        assert!(allowed_by(&unknown, &version, &room.state).is_err());
    }
}

#[test]
fn an_unknown_version_allows_nothing() {
    let (room, pdu, _) = sample(&RoomVersionId::V10);
    let unsupported = Refusal::UnsupportedVersion(RoomVersionId::V9);
    assert_eq!(
        allowed_by(&pdu, &RoomVersionId::V9, &room.state),
        Err(unsupported.clone())
    );
    let verdict = judge(&pdu, &RoomVersionId::V9, &room.state, &room.state, None);
    assert_eq!(verdict, Verdict::Reject(Against::AuthEvents, unsupported));
}
