use ruma::canonical_json::CanonicalJsonObject;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedRoomId, RoomId, RoomVersionId, UInt, server_name};
use serde_json::{Value, json};

use super::{Ask, AskedMembership, Template, TemplateError, check_template};
use crate::input::canonical_object;
use crate::receive::read;
use crate::test_room::{BOB, VERSIONS, key, user};

const RESIDENT: &str = "b.example";

fn room_id(version: &RoomVersionId) -> OwnedRoomId {
    let id = match version {
        RoomVersionId::V12 => format!("!{}", "r".repeat(43)),
        _ => "!room:b.example".to_owned(),
    };
    RoomId::parse(id).unwrap()
}

fn id(letter: &str) -> String {
    format!("${}", letter.repeat(43))
}

fn template(version: &RoomVersionId, membership: AskedMembership) -> Value {
    json!({
        "room_id": room_id(version),
        "type": "m.room.member",
        "sender": BOB,
        "state_key": BOB,
        "content": {"membership": membership.as_str()},
        "prev_events": [id("p")],
        "auth_events": [id("a"), id("b")],
        "depth": 7,
        "origin": RESIDENT,
        "origin_server_ts": 5,
    })
}

fn check_for(
    event: &str,
    named: Option<&RoomVersionId>,
    version: &RoomVersionId,
    membership: AskedMembership,
) -> Result<Template, TemplateError> {
    let ask = Ask {
        room_id: &room_id(version),
        user: &user(BOB),
        membership,
        resident: server_name!("b.example"),
        version: None,
    };
    check_template(event, named, ask)
}

fn check(
    event: &Value,
    version: &RoomVersionId,
    membership: AskedMembership,
) -> Result<Template, TemplateError> {
    check_for(&event.to_string(), Some(version), version, membership)
}

const MEMBERSHIPS: [AskedMembership; 3] = [
    AskedMembership::Join,
    AskedMembership::Knock,
    AskedMembership::Leave,
];

fn sign(template: Template, own: Value) -> Value {
    let own: CanonicalJsonObject = canonical_object(own).unwrap();
    let now = MilliSecondsSinceUnixEpoch(UInt::from(9_u32));
    let pdu = template
        .sign(own, now, server_name!("a.example"), &key())
        .unwrap();
    serde_json::from_str(pdu.json()).unwrap()
}

#[test]
fn what_is_signed_holds_what_we_asked_for_and_from_the_template_only_its_place() {
    for version in VERSIONS {
        for membership in MEMBERSHIPS {
            let mut event = template(&version, membership);
            // What a resident server might like to see signed.
            event["content"]["displayname"] = "forged".into();
            event["content"]["third_party_invite"] = json!({"signed": {}});
            event["content"]["evil"] = json!({"forged": true});
            event["redacts"] = id("x").into();
            event["unsigned"] = json!({"forged": 1});
            event["hashes"] = json!({"sha256": "forged"});
            event["signatures"] = json!({"evil.test": {"ed25519:1": "forged"}});
            event["msc4354_sticky"] = json!({"duration_ms": 5});
            let checked = check(&event, &version, membership).unwrap();
            assert_eq!(checked.version(), &version);
            let own = json!({"displayname": "Bob", "reason": "because", "membership": "ban", "evil": 1});
            let signed = sign(checked, own);
            assert!(!signed.to_string().contains("forged"), "{signed}");
            let content =
                json!({"displayname": "Bob", "reason": "because", "membership": membership.as_str()});
            assert_eq!(signed["content"], content);
            let mut fields: Vec<_> = signed.as_object().unwrap().keys().map(String::as_str).collect();
            fields.sort_unstable();
            let expected = [
                "auth_events",
                "content",
                "depth",
                "hashes",
                "origin_server_ts",
                "prev_events",
                "room_id",
                "sender",
                "signatures",
                "state_key",
                "type",
            ];
            assert_eq!(fields, expected);
            assert_eq!(signed["origin_server_ts"], 9);
            assert_eq!(signed["depth"], 7);
            assert_eq!(signed["prev_events"], json!([id("p")]));
            assert_eq!(signed["auth_events"], json!([id("a"), id("b")]));
            assert_eq!(signed["sender"], BOB);
            assert_eq!(signed["state_key"], BOB);
            assert!(read(&signed.to_string(), &room_id(&version), &version).is_ok());
        }
    }
}

#[test]
fn a_template_for_anything_else_than_what_was_asked_is_discarded() {
    let changes = [
        ("room_id", json!("!victim:a.example")),
        ("type", json!("m.room.power_levels")),
        ("type", json!(null)),
        ("sender", json!("@admin:a.example")),
        ("sender", json!("@BOB:a.example")),
        ("state_key", json!("@admin:a.example")),
        ("state_key", json!("")),
        ("content", json!({"membership": "ban"})),
        ("content", json!({"membership": "invite"})),
        ("content", json!({})),
        ("content", json!([])),
        ("prev_events", json!([])),
        ("prev_events", json!(["$x"])),
        ("prev_events", json!("x")),
        ("auth_events", json!(["$not-base64"])),
        ("auth_events", json!([5])),
        ("depth", json!(-1)),
        ("depth", json!("5")),
        ("depth", json!(null)),
    ];
    for version in VERSIONS {
        for membership in MEMBERSHIPS {
            for (field, value) in &changes {
                let mut event = template(&version, membership);
                event[field] = value.clone();
                assert!(check(&event, &version, membership).is_err(), "{field} {value}");
            }
            for field in [
                "room_id",
                "sender",
                "state_key",
                "prev_events",
                "auth_events",
                "depth",
                "type",
            ] {
                let mut event = template(&version, membership);
                event.as_object_mut().unwrap().remove(field);
                assert!(check(&event, &version, membership).is_err(), "{field}");
            }
            for other in MEMBERSHIPS {
                let checked = check(&template(&version, other), &version, membership);
                assert_eq!(checked.is_ok(), other == membership);
            }
        }
    }
}

#[test]
fn lists_are_bounded() {
    let ids = |count: usize| -> Value { (0..count).map(|i| json!(format!("${i:043}"))).collect() };
    for version in VERSIONS {
        for (field, most) in [("prev_events", 20), ("auth_events", 10)] {
            for (count, fine) in [(most, true), (most + 1, false)] {
                let mut event = template(&version, AskedMembership::Join);
                event[field] = ids(count);
                assert_eq!(
                    check(&event, &version, AskedMembership::Join).is_ok(),
                    fine,
                    "{field} {count}"
                );
            }
        }
    }
}

#[test]
fn json_that_servers_read_differently_is_discarded() {
    let version = RoomVersionId::V11;
    let event = template(&version, AskedMembership::Join).to_string();
    let texts = [
        event.replacen('{', r#"{"type":"m.room.power_levels","#, 1),
        event.replacen(r#""depth":7"#, r#""depth":9007199254740992"#, 1),
        event.replacen(r#""depth":7"#, r#""depth":7.0"#, 1),
        "[]".to_owned(),
        String::new(),
    ];
    for text in texts {
        let result = check_for(&text, Some(&version), &version, AskedMembership::Join);
        assert!(matches!(result, Err(TemplateError::Json(_))), "{result:?}");
    }
}

#[test]
fn the_room_version_must_be_ours_and_go_with_the_room() {
    for version in VERSIONS {
        let event = template(&version, AskedMembership::Join).to_string();
        let named = [
            None,
            Some(RoomVersionId::V1),
            Some(RoomVersionId::V9),
            RoomVersionId::try_from("99").ok(),
        ];
        for named in named {
            let result = check_for(&event, named.as_ref(), &version, AskedMembership::Join);
            assert!(matches!(result, Err(TemplateError::Version)), "{named:?}");
        }
        for other in VERSIONS {
            let result = check_for(&event, Some(&other), &version, AskedMembership::Join);
            let same_ids = (other == RoomVersionId::V12) == (version == RoomVersionId::V12);
            assert_eq!(result.is_ok(), same_ids, "{version} {other}");
            // Known from an invite, it must be that one.
            let ask = Ask {
                room_id: &room_id(&version),
                user: &user(BOB),
                membership: AskedMembership::Join,
                resident: server_name!("b.example"),
                version: Some(&version),
            };
            assert_eq!(
                check_template(&event, Some(&other), ask).is_ok(),
                other == version
            );
        }
    }
}

#[test]
fn only_a_user_of_the_server_asked_authorizes_and_only_a_join() {
    for version in VERSIONS {
        for membership in MEMBERSHIPS {
            for (authorizer, fine) in [
                (json!("@carol:b.example"), membership == AskedMembership::Join),
                (json!("@admin:a.example"), false),
                (json!("@carol:c.example"), false),
                (json!("carol"), false),
                (json!(null), false),
            ] {
                let mut event = template(&version, membership);
                event["content"]["join_authorised_via_users_server"] = authorizer.clone();
                match check(&event, &version, membership) {
                    Ok(checked) => {
                        assert!(fine);
                        assert_eq!(
                            checked.authorizer().map(|user| user.as_str()),
                            authorizer.as_str()
                        );
                        let signed = sign(checked, json!({}));
                        assert_eq!(signed["content"]["join_authorised_via_users_server"], authorizer);
                    }
                    Err(error) => {
                        assert!(!fine);
                        assert!(matches!(error, TemplateError::Authorizer), "{error}");
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_is_signed_for_a_user_of_another_server() {
    let version = RoomVersionId::V11;
    let checked = check(
        &template(&version, AskedMembership::Join),
        &version,
        AskedMembership::Join,
    )
    .unwrap();
    let now = MilliSecondsSinceUnixEpoch(UInt::from(9_u32));
    let refused = checked.sign(CanonicalJsonObject::new(), now, server_name!("c.example"), &key());
    assert!(refused.is_err());
}
