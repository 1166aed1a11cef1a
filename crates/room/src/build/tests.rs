//! Building events, violating the authorization rules one by one, and the borders of the size limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use ruma::RoomVersionId;
use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::{StateEventType, TimelineEventType};
use ruma::signatures::{Verified, reference_hash, verify_event};
use serde_json::json;

use super::{BuildError, MAX_FIELD_BYTES, MAX_PDU_BYTES, auth_types, build};
use crate::keys::{key_id, verify_key};
use crate::pdu::Pdu;
use crate::test_room::{ALICE, BOB, CAROL, DORA, TestRoom, VERSIONS, event, key, member, message, user};
use crate::version::rules;

mod rules;

fn public_keys(server: &str) -> BTreeMap<String, BTreeMap<String, ruma::serde::Base64>> {
    BTreeMap::from([(
        server.to_owned(),
        BTreeMap::from([(key_id(&key()), verify_key(&key()))]),
    )])
}

fn event_types(room: &TestRoom, pdu: &Pdu) -> Vec<String> {
    pdu.auth_events()
        .iter()
        .map(|id| room.events[id].kind().to_string())
        .collect()
}

#[test]
fn a_built_event_carries_a_signature_and_a_hash_that_ruma_verifies() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let pdu = room.send(message(BOB, "hello"));
        let object = pdu.to_object().unwrap();
        let verified = verify_event(&public_keys("a.example"), &object, rules(&version).unwrap()).unwrap();
        assert_eq!(verified, Verified::All, "version {version}");
    }
}

#[test]
fn the_event_id_is_the_reference_hash() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let pdu = room.build(message(BOB, "hello")).unwrap();
        let hash = reference_hash(&pdu.to_object().unwrap(), rules(&version).unwrap()).unwrap();
        assert_eq!(pdu.event_id().as_str(), format!("${hash}"));
        assert!(!pdu.to_object().unwrap().contains_key("event_id"));
    }
}

#[test]
fn the_text_of_an_event_is_canonical_json() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.build(message(BOB, "Straße \u{1F600} \"quoted\"\n")).unwrap();
    let again = serde_json::to_string(&CanonicalJsonValue::from(pdu.to_object().unwrap())).unwrap();
    assert_eq!(pdu.json(), again);
}

#[test]
fn a_version_12_room_is_named_after_its_create_event() {
    let mut room = TestRoom::empty(&RoomVersionId::V12);
    let create = room.send(room.create_event());
    assert_eq!(
        create.room_id().as_str().strip_prefix('!'),
        create.event_id().as_str().strip_prefix('$')
    );
    assert!(!create.to_object().unwrap().contains_key("room_id"));
    let join = room.send(member(ALICE, ALICE, "join"));
    assert_eq!(join.room_id(), create.room_id());
}

#[test]
fn the_create_event_is_cited_before_version_12_and_loaded_in_every_version() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        let new = message(BOB, "hello");
        let create = (StateEventType::RoomCreate, String::new());
        assert!(
            auth_types(&new, rules(&version).unwrap())
                .unwrap()
                .contains(&create)
        );
        let cited = event_types(&room, &room.build(new).unwrap());
        let mut expected = vec!["m.room.power_levels", "m.room.member"];
        if version != RoomVersionId::V12 {
            expected.push("m.room.create");
        }
        assert_eq!(cited, expected, "version {version}");
    }
}

#[test]
fn an_invitation_cites_the_join_rules_and_both_members() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    room.send(member(DORA, DORA, "join"));
    room.send(member(DORA, DORA, "leave"));
    let pdu = room.build(member(BOB, DORA, "invite")).unwrap();
    let cited = event_types(&room, &pdu);
    assert_eq!(
        cited,
        [
            "m.room.power_levels",
            "m.room.member",
            "m.room.member",
            "m.room.join_rules"
        ]
    );
}

#[test]
fn a_redaction_names_its_target_where_the_version_looks_for_it() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let target = room.send(message(BOB, "hello"));
        let mut redaction = event(BOB, "m.room.redaction", None, json!({"reason": "typo"}));
        redaction.redacts = Some(target.event_id().to_owned());
        let pdu = room.build(redaction).unwrap();
        let object = pdu.to_object().unwrap();
        assert_eq!(object.contains_key("redacts"), version == RoomVersionId::V10);
        assert_eq!(pdu.redacts(), Some(target.event_id()));
        assert_eq!(pdu.redacts_by(rules(&version).unwrap()), Some(target.event_id()));
    }
}

#[test]
fn a_redaction_without_a_target_or_with_two_is_refused() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    let target = room.send(message(BOB, "hello"));
    let none = event(BOB, "m.room.redaction", None, json!({}));
    assert!(matches!(room.build(none), Err(BuildError::BadContent(_))));
    let mut two = event(BOB, "m.room.redaction", None, json!({"redacts": "$other"}));
    two.redacts = Some(target.event_id().to_owned());
    assert!(matches!(room.build(two), Err(BuildError::BadContent(_))));
    let mut message = message(BOB, "hello");
    message.redacts = Some(target.event_id().to_owned());
    assert!(matches!(room.build(message), Err(BuildError::BadContent(_))));
}

#[test]
fn nothing_is_signed_for_a_user_of_another_server() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let ours = user(ALICE);
    let foreign = member(CAROL, CAROL, "join");
    let result = build(foreign, room.place(), &room.state, ours.server_name(), &key());
    assert!(matches!(result, Err(BuildError::NotOurUser(id)) if id == CAROL));

    let join = json!({"membership": "join", "join_authorised_via_users_server": CAROL});
    let join = event(DORA, "m.room.member", Some(DORA), join);
    assert!(matches!(room.build(join), Err(BuildError::NotOurUser(id)) if id == CAROL));
}

#[test]
fn a_create_event_must_name_the_version_of_its_room() {
    let room = TestRoom::empty(&RoomVersionId::V12);
    for content in [
        json!({}),
        json!({"room_version": "11"}),
        json!({"room_version": 12}),
    ] {
        let create = event(ALICE, "m.room.create", Some(""), content);
        assert!(matches!(room.build(create), Err(BuildError::BadContent(_))));
    }
}

#[test]
fn only_a_version_12_create_event_goes_without_a_room() {
    let mut room = TestRoom::empty(&RoomVersionId::V12);
    assert!(matches!(
        room.build(message(ALICE, "hello")),
        Err(BuildError::Place(_))
    ));
    room.version = RoomVersionId::V11;
    assert!(matches!(
        room.build(room.create_event()),
        Err(BuildError::Place(_))
    ));
}

#[test]
fn other_room_versions_are_refused() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    room.version = RoomVersionId::V9;
    assert!(matches!(
        room.build(message(BOB, "hello")),
        Err(BuildError::UnsupportedVersion(_))
    ));
}

#[test]
fn an_event_follows_at_most_twenty_others() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    room.heads = vec![room.heads[0].clone(); 20];
    assert!(room.build(message(BOB, "hello")).is_ok());
    room.heads.push(room.heads[0].clone());
    assert!(matches!(
        room.build(message(BOB, "hello")),
        Err(BuildError::Place(_))
    ));
}

#[test]
fn depth_stops_at_the_largest_integer() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    room.depth = u64::MAX;
    assert_eq!(room.build(message(BOB, "hello")).unwrap().depth(), (1 << 53) - 1);
}

#[test]
fn nul_characters_are_refused_wherever_they_stand() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let mut in_content = message(BOB, "hello");
    in_content
        .content
        .insert("body".to_owned(), "\0".to_owned().into());
    let in_type = event(ALICE, "org.\0", None, json!({}));
    let in_key = event(ALICE, "org.example.state", Some("\0"), json!({}));
    for new in [in_content, in_type, in_key] {
        assert!(matches!(room.build(new), Err(BuildError::BadContent(_))));
    }
}

#[test]
fn a_third_party_invite_must_be_an_object_whatever_the_membership() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for invite in [json!(null), json!("x"), json!([])] {
            let content = json!({"membership": "join", "third_party_invite": invite});
            let new = event(BOB, "m.room.member", Some(BOB), content);
            assert!(
                matches!(room.build(new), Err(BuildError::BadContent(_))),
                "{invite}"
            );
        }
    }
}

/// A message whose complete event has exactly so many bytes. `filler` is one character.
fn message_of_size(room: &TestRoom, bytes: usize, filler: char) -> super::NewEvent {
    let empty = room.build(message(BOB, "")).unwrap().json().len();
    let missing = bytes - empty;
    let body = filler.to_string().repeat(missing / filler.len_utf8());
    message(BOB, &(body + &"x".repeat(missing % filler.len_utf8())))
}

#[test]
fn an_event_may_have_65536_bytes_with_signatures_and_not_one_more() {
    for version in VERSIONS {
        let room = TestRoom::public(&version);
        for filler in ['x', 'ß', '\u{1F600}'] {
            let largest = room.build(message_of_size(&room, MAX_PDU_BYTES, filler)).unwrap();
            assert_eq!(largest.json().len(), 65_536, "version {version}, filler {filler}");
            match room.build(message_of_size(&room, MAX_PDU_BYTES + 1, filler)) {
                Err(BuildError::TooLarge { size_bytes }) => assert_eq!(size_bytes, 65_537),
                other => panic!("not refused: {other:?}"),
            }
        }
        let huge = message(BOB, &"x".repeat(1_000_000));
        assert!(matches!(room.build(huge), Err(BuildError::TooLarge { .. })));
    }
}

#[test]
fn the_type_and_the_state_key_may_have_255_bytes_and_not_one_more() {
    let room = TestRoom::public(&RoomVersionId::V12);
    let text = |bytes: usize| "ß".repeat(bytes / 2) + &"x".repeat(bytes % 2);
    let longest = text(MAX_FIELD_BYTES);
    assert_eq!((longest.len(), longest.chars().count()), (255, 128));
    assert!(
        room.build(event(ALICE, &longest, Some(&longest), json!({})))
            .is_ok()
    );

    let too_long = text(MAX_FIELD_BYTES + 1);
    let result = room.build(event(ALICE, &too_long, None, json!({})));
    assert!(matches!(
        result,
        Err(BuildError::FieldTooLong {
            field: "type",
            size_bytes: 256
        })
    ));
    let result = room.build(event(ALICE, "org.example", Some(&too_long), json!({})));
    assert!(matches!(
        result,
        Err(BuildError::FieldTooLong {
            field: "state_key",
            size_bytes: 256
        })
    ));
}

#[test]
fn debug_output_shows_no_content() {
    let new = message(BOB, "secret");
    let pdu = TestRoom::public(&RoomVersionId::V12).build(new.clone()).unwrap();
    assert!(!format!("{new:?} {pdu:?}").contains("secret"));
    assert!(format!("{pdu:?}").contains(pdu.event_id().as_str()));
}

fn any_json() -> impl Strategy<Value = CanonicalJsonValue> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(CanonicalJsonValue::Bool),
        any::<i32>().prop_map(|n| CanonicalJsonValue::Integer(n.into())),
        any::<String>().prop_map(CanonicalJsonValue::String),
        prop::sample::select(vec!["join", "leave", BOB, "$x", "public"]).prop_map(CanonicalJsonValue::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(CanonicalJsonValue::Array),
            prop::collection::btree_map(any_key(), inner, 0..4).prop_map(CanonicalJsonValue::Object),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        "membership|join_rule|users|events|ban|third_party_invite|signed|token|redacts|room_version",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_content_makes_build_panic_and_what_it_builds_is_read_again(
        content in prop::collection::btree_map(any_key(), any_json(), 0..5),
        kind in "m\\.room\\.(member|power_levels|create|redaction|join_rules|third_party_invite|message)",
        state_key in prop::option::of("|@alice:a\\.example|@bob:a\\.example|[a-z]{3}"),
    ) {
        let room = TestRoom::public(&RoomVersionId::V12);
        let mut new = event(ALICE, &kind, state_key.as_deref(), json!({}));
        new.content = CanonicalJsonObject::from_iter(content);
        if let Ok(pdu) = room.build(new) {
            let again = Pdu::from_stored(pdu.room_id(), pdu.event_id(), pdu.json()).unwrap();
            assert_eq!(again.json(), pdu.json());
            let _ = (pdu.membership(), pdu.redacts());
        }
    }
}

#[test]
fn rejected_state_allows_nothing() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let key = (StateEventType::RoomMember, BOB.to_owned());
    let rejected = (*room.state[&key]).clone().with_rejected(true);
    room.state.insert(key, Arc::new(rejected));
    assert!(
        room.refusal(message(BOB, "hello"))
            .contains("rejected auth event")
    );
}

#[test]
fn state_of_another_room_allows_nothing() {
    let mut room = TestRoom::public(&RoomVersionId::V11);
    let mut other = TestRoom::public(&RoomVersionId::V11);
    let room_id = super::room_id_before_v12("other", user(ALICE).server_name()).unwrap();
    other.room_id = Some(room_id.clone());
    let key = (StateEventType::RoomMember, BOB.to_owned());
    let json = other.state[&key].json().replace("!room:", "!other:");
    let foreign = Pdu::from_stored(&room_id, other.state[&key].event_id(), &json).unwrap();
    room.state.insert(key, Arc::new(foreign));
    assert!(
        room.refusal(message(BOB, "hello"))
            .contains("not in the same room")
    );
}

#[test]
fn a_message_event_among_the_state_allows_nothing_and_doesnt_panic() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let message_event = room.send(message(BOB, "hello"));
    assert_eq!(*message_event.kind(), TimelineEventType::RoomMessage);
    room.state
        .insert((StateEventType::RoomMember, BOB.to_owned()), message_event);
    assert!(room.refusal(message(BOB, "hello")).contains("no `state_key`"));
}
