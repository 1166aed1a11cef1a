use ruma::RoomVersionId;
use ruma::signatures::{Verified, verify_event};
use serde_json::{Value, json};

use super::{may_redact, redact, redact_object, redaction_applies, reference_hash};
use crate::keys::{key_id, verify_key};
use crate::test_room::{ALICE, BOB, CAROL, DORA, TestRoom, VERSIONS, event, key, member, message, user};
use crate::version::rules;

/// The content that is left of a state event of Alice's, in versions 10 and 11.
#[track_caller]
fn keeps(kind: &str, content: Value, in_v10: Value, in_v11: Value) {
    for (version, expected) in [
        (RoomVersionId::V10, &in_v10),
        (RoomVersionId::V11, &in_v11),
        (RoomVersionId::V12, &in_v11),
    ] {
        let mut room = TestRoom::public(&version);
        if version == RoomVersionId::V12 && kind == "m.room.power_levels" {
            continue;
        }
        let key = if kind == "m.room.member" { ALICE } else { "" };
        let pdu = room.send(event(ALICE, kind, Some(key), content.clone()));
        let redacted = redact(&pdu, &version).unwrap();
        assert_eq!(
            redacted.content_as::<Value>().unwrap(),
            *expected,
            "version {version}"
        );
    }
}

#[test]
fn a_redacted_message_keeps_its_identity_and_loses_its_content() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let pdu = room.send(message(BOB, "secret"));
        let redacted = redact(&pdu, &version).unwrap();
        assert_eq!(redacted.content().get(), "{}");
        assert!(!redacted.json().contains("secret"));
        assert_eq!(redacted.event_id(), pdu.event_id());
        assert_eq!(redacted.sender(), pdu.sender());
        assert_eq!(redacted.kind(), pdu.kind());
        assert_eq!(redacted.prev_events(), pdu.prev_events());
        assert_eq!(redacted.auth_events(), pdu.auth_events());
        assert_eq!(redacted.depth(), pdu.depth());
        let again = redact(&redacted, &version).unwrap();
        assert_eq!(again.json(), redacted.json(), "redacting twice changes nothing");
    }
}

#[test]
fn hash_and_signature_of_a_redacted_event_still_hold() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let pdu = room.send(message(BOB, "secret"));
        let object = redact(&pdu, &version).unwrap().to_object().unwrap();
        let rules = rules(&version).unwrap();
        assert_eq!(
            format!("${}", reference_hash(&object, rules).unwrap()),
            pdu.event_id().as_str()
        );
        let keys = [(
            "a.example".to_owned(),
            [(key_id(&key()), verify_key(&key()))].into(),
        )]
        .into();
        assert_eq!(verify_event(&keys, &object, rules).unwrap(), Verified::Signatures);
    }
}

#[test]
fn a_rejected_event_stays_rejected() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = (*room.send(message(BOB, "secret"))).clone().with_rejected(true);
    assert!(redact(&pdu, &RoomVersionId::V12).unwrap().is_rejected());
}

#[test]
fn membership_is_kept() {
    let content = json!({"membership": "join", "displayname": "Alice", "reason": "x"});
    let left = json!({"membership": "join"});
    keeps("m.room.member", content, left.clone(), left);
}

#[test]
fn join_rules_and_history_visibility_are_kept() {
    let allow = json!([{"type": "m.room_membership", "room_id": "!x:a.example"}]);
    let rules = json!({"join_rule": "restricted", "allow": allow});
    let content = json!({"join_rule": "restricted", "allow": allow, "x": 1});
    keeps("m.room.join_rules", content, rules.clone(), rules);
    let content = json!({"history_visibility": "joined", "x": 1});
    let left = json!({"history_visibility": "joined"});
    keeps("m.room.history_visibility", content, left.clone(), left);
}

#[test]
fn power_levels_are_kept_and_the_invite_level_since_version_11() {
    let kept = json!({
        "ban": 50, "kick": 50, "redact": 50, "state_default": 50, "events_default": 0, "users_default": 0,
        "events": {"m.room.name": 50}, "users": {ALICE: 100},
    });
    let mut with_invite = kept.clone();
    with_invite["invite"] = 50.into();
    let mut content = with_invite.clone();
    content["notifications"] = json!({"room": 50});
    keeps("m.room.power_levels", content, kept, with_invite);
}

#[test]
fn names_and_topics_are_not_kept() {
    keeps("m.room.name", json!({"name": "secret"}), json!({}), json!({}));
    keeps("m.room.topic", json!({"topic": "secret"}), json!({}), json!({}));
}

#[test]
fn a_redacted_create_event_keeps_all_since_version_11() {
    for version in VERSIONS {
        let mut room = TestRoom::empty(&version);
        let create = room.send(room.create_event());
        let left: Value = redact(&create, &version).unwrap().content_as().unwrap();
        let expected = match version {
            RoomVersionId::V10 => json!({"creator": ALICE}),
            _ => json!({"room_version": version.as_str()}),
        };
        assert_eq!(left, expected);
    }
}

#[test]
fn a_redacted_redaction_keeps_its_target_since_version_11() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let target = room.send(message(BOB, "secret"));
        let mut redaction = event(BOB, "m.room.redaction", None, json!({"reason": "secret"}));
        redaction.redacts = Some(target.event_id().to_owned());
        let redacted = redact(&room.send(redaction), &version).unwrap();
        let expected = (version != RoomVersionId::V10).then_some(target.event_id());
        assert_eq!(redacted.redacts(), expected);
        assert!(!redacted.json().contains("secret"));
    }
}

#[test]
fn users_redact_their_own_and_moderators_everything() {
    for version in VERSIONS {
        let mut room = TestRoom::public(&version);
        let pdu = room.send(message(BOB, "secret"));
        let power = room.power();
        assert!(may_redact(&pdu, &user(BOB), &power));
        assert!(may_redact(&pdu, &user(ALICE), &power));
        assert!(!may_redact(&pdu, &user(DORA), &power), "same server, other user");
        assert!(!may_redact(&pdu, &user(CAROL), &power));
    }
}

#[test]
fn a_redaction_applies_for_the_whole_server_of_the_target() {
    let version = RoomVersionId::V12;
    let mut room = TestRoom::public(&version);
    for joining in [DORA, CAROL] {
        room.send(member(joining, joining, "join"));
    }
    let target = room.send(message(BOB, "secret"));
    let mut redaction_by = |sender: &str| {
        let mut redaction = event(sender, "m.room.redaction", None, json!({}));
        redaction.redacts = Some(target.event_id().to_owned());
        room.send(redaction)
    };
    let (ours, foreign, admin) = (redaction_by(DORA), redaction_by(CAROL), redaction_by(ALICE));
    let power = room.power();
    assert!(redaction_applies(&target, &ours, &power));
    assert!(!redaction_applies(&target, &foreign, &power));
    assert!(redaction_applies(&target, &admin, &power));
    assert!(!redaction_applies(
        &target,
        &(*admin).clone().with_rejected(true),
        &power
    ));
    let other_room = TestRoom::public(&RoomVersionId::V11).send(message(BOB, "secret"));
    assert!(!redaction_applies(&other_room, &admin, &power));
}

#[test]
fn a_third_party_invite_that_is_no_object_is_not_kept() {
    for version in VERSIONS {
        let rules = rules(&version).unwrap();
        for (invite, left) in [
            (json!("secret"), json!(null)),
            (json!(null), json!(null)),
            (json!(["secret"]), json!(null)),
            (
                json!({"secret": 1, "signed": {"token": "t"}}),
                json!({"signed": {"token": "t"}}),
            ),
        ] {
            let content = json!({"membership": "join", "third_party_invite": invite});
            let event =
                json!({"type": "m.room.member", "state_key": ALICE, "sender": ALICE, "content": content});
            let mut object = crate::input::canonical_object(event).unwrap();
            let hash = reference_hash(&object, rules).unwrap();
            redact_object(&mut object, &rules.redaction).unwrap();
            let redacted = serde_json::to_value(&object).unwrap();
            assert!(!redacted.to_string().contains("secret"), "{redacted}");
            let expected = match version {
                RoomVersionId::V10 => &json!(null),
                _ => &left,
            };
            assert_eq!(&redacted["content"]["third_party_invite"], expected, "{version}");
            // Redacting changes no id.
            assert_eq!(reference_hash(&object, rules).unwrap(), hash);
        }
    }
}
