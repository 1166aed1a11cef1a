use ruma::canonical_json::CanonicalJsonObject;
use ruma::events::{StateEventType, TimelineEventType};
use ruma::{MilliSecondsSinceUnixEpoch, RoomAliasId, RoomVersionId, UInt};
use serde_json::{Value, json};

use super::{CreateError, CreateRoom, NONCE_KEY, NewEventTemplate, Person, Preset, create_room};
use crate::input::canonical_object;
use crate::policy::{Encryption, PolicyRefusal};
use crate::test_room::{ALICE, BOB, CAROL, TestRoom, VERSIONS, user};

const PRESETS: [Preset; 3] = [
    Preset::PrivateChat,
    Preset::TrustedPrivateChat,
    Preset::PublicChat,
];
const NONCE: &str = "0123456789abcdef";

fn person(id: &str) -> Person {
    Person {
        user_id: user(id),
        displayname: None,
        avatar_url: None,
    }
}

fn request(version: &RoomVersionId, preset: Preset) -> CreateRoom {
    CreateRoom {
        version: version.clone(),
        preset,
        creator: person(ALICE),
        invite: Vec::new(),
        is_direct: false,
        name: None,
        topic: None,
        alias: None,
        creation_content: CanonicalJsonObject::new(),
        initial_state: Vec::new(),
        power_level_content_override: CanonicalJsonObject::new(),
        encryption: Encryption::Required,
        nonce: NONCE.to_owned(),
    }
}

fn private() -> CreateRoom {
    request(&RoomVersionId::V12, Preset::PrivateChat)
}

fn object(value: Value) -> CanonicalJsonObject {
    canonical_object(value).unwrap()
}

fn initial(kind: &str, content: Value) -> NewEventTemplate {
    NewEventTemplate {
        kind: TimelineEventType::from(kind),
        state_key: String::new(),
        content: object(content),
    }
}

/// The events as `(type, state key, content)`.
fn events(request: CreateRoom) -> Vec<(String, String, Value)> {
    let events = create_room(request).unwrap();
    events
        .into_iter()
        .map(|event| {
            let content = serde_json::to_value(&event.content).unwrap();
            (event.kind.to_string(), event.state_key, content)
        })
        .collect()
}

fn types(request: CreateRoom) -> Vec<String> {
    events(request).into_iter().map(|(kind, _, _)| kind).collect()
}

#[track_caller]
fn content_of(request: CreateRoom, kind: &str) -> Value {
    events(request)
        .into_iter()
        .find(|(k, _, _)| k == kind)
        .expect("no event of this type")
        .2
}

/// Sends the events one after the other, as the server does.
fn send_all(request: CreateRoom) -> TestRoom {
    let mut room = TestRoom::empty(&request.version);
    for template in create_room(request).unwrap() {
        room.send(template.into_event(user(ALICE), MilliSecondsSinceUnixEpoch(UInt::from(1_u32))));
    }
    room
}

#[test]
fn every_preset_in_every_version_is_authorized_event_by_event() {
    for version in VERSIONS {
        for preset in PRESETS {
            for encryption in [Encryption::Required, Encryption::Default, Encryption::Optional] {
                let mut request = request(&version, preset);
                request.encryption = encryption;
                request.invite = vec![person(BOB), person(CAROL)];
                request.name = Some("Registry".to_owned());
                request.topic = Some("Moving house".to_owned());
                request.alias = Some(RoomAliasId::parse("#registry:a.example").unwrap());
                request.initial_state = vec![initial("org.example.state", json!({"x": 1}))];
                request.power_level_content_override = object(json!({"users_default": 10}));
                let room = send_all(request);
                assert!(room.get(StateEventType::RoomMember, CAROL).is_some());
            }
        }
    }
}

#[test]
fn events_come_in_the_order_of_the_specification() {
    let mut request = private();
    request.invite = vec![person(BOB)];
    request.name = Some("Registry".to_owned());
    request.topic = Some("Moving house".to_owned());
    request.alias = Some(RoomAliasId::parse("#registry:a.example").unwrap());
    request.initial_state = vec![
        initial("org.example.b", json!({})),
        initial("org.example.a", json!({})),
    ];
    let expected = [
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.canonical_alias",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "org.example.b",
        "org.example.a",
        "m.room.encryption",
        "m.room.name",
        "m.room.topic",
        "m.room.member",
    ];
    assert_eq!(types(request), expected);
}

#[test]
fn a_private_room_of_version_12_looks_like_this() {
    let mut request = private();
    request.creator.displayname = Some("Alice".to_owned());
    request.creator.avatar_url = Some("mxc://a.example/alice".into());
    request.topic = Some("Moving house".to_owned());
    request.invite = vec![person(BOB)];
    request.is_direct = true;
    let state = |kind: &str, content: Value| (kind.to_owned(), String::new(), content);
    let member = |id: &str, content: Value| ("m.room.member".to_owned(), id.to_owned(), content);
    let expected = [
        state("m.room.create", json!({"room_version": "12", NONCE_KEY: NONCE})),
        member(
            ALICE,
            json!({"membership": "join", "displayname": "Alice", "avatar_url": "mxc://a.example/alice"}),
        ),
        state(
            "m.room.power_levels",
            json!({
                "ban": 50, "kick": 50, "redact": 50, "invite": 0, "state_default": 50,
                "events_default": 0, "users_default": 0, "users": {}, "notifications": {"room": 50},
                "events": {
                    "m.room.avatar": 50,
                    "m.room.canonical_alias": 50,
                    "m.room.encryption": 100,
                    "m.room.history_visibility": 100,
                    "m.room.name": 50,
                    "m.room.policy": 100,
                    "m.room.power_levels": 100,
                    "m.room.server_acl": 100,
                    "m.room.tombstone": 150,
                    "m.room.topic": 50,
                    "m.call.member": 0,
                    "org.matrix.msc3401.call.member": 0,
                },
            }),
        ),
        state("m.room.join_rules", json!({"join_rule": "invite"})),
        state(
            "m.room.history_visibility",
            json!({"history_visibility": "shared"}),
        ),
        state("m.room.guest_access", json!({"guest_access": "can_join"})),
        state("m.room.encryption", json!({"algorithm": "m.megolm.v1.aes-sha2"})),
        state(
            "m.room.topic",
            json!({"topic": "Moving house", "m.topic": {"m.text": [{"body": "Moving house"}]}}),
        ),
        member(BOB, json!({"membership": "invite", "is_direct": true})),
    ];
    assert_eq!(events(request), expected);
}

#[test]
fn presets_set_who_may_join_and_see() {
    for (preset, join_rule, guest_access) in [
        (Preset::PrivateChat, "invite", "can_join"),
        (Preset::TrustedPrivateChat, "invite", "can_join"),
        (Preset::PublicChat, "public", "forbidden"),
    ] {
        let of = |kind| content_of(request(&RoomVersionId::V11, preset), kind);
        assert_eq!(of("m.room.join_rules"), json!({"join_rule": join_rule}));
        assert_eq!(of("m.room.guest_access"), json!({"guest_access": guest_access}));
        assert_eq!(
            of("m.room.history_visibility"),
            json!({"history_visibility": "shared"})
        );
    }
}

#[test]
fn trusted_invitees_have_the_power_of_the_creator() {
    for version in VERSIONS {
        let mut request = request(&version, Preset::TrustedPrivateChat);
        request.invite = vec![person(BOB), person(CAROL)];
        let power = send_all(request).power();
        for id in [BOB, CAROL] {
            assert_eq!(
                power.level_of(&user(id)),
                power.level_of(&user(ALICE)),
                "version {version}"
            );
        }
    }
}

#[test]
fn additional_creators_are_combined_with_trusted_invitees() {
    let mut request = request(&RoomVersionId::V12, Preset::TrustedPrivateChat);
    request.creation_content = object(json!({"additional_creators": ["@dora:a.example", BOB, ALICE]}));
    request.invite = vec![person(BOB), person(CAROL)];
    let create = content_of(request.clone(), "m.room.create");
    assert_eq!(
        create["additional_creators"],
        json!(["@dora:a.example", BOB, CAROL])
    );

    request.preset = Preset::PrivateChat;
    let create = content_of(request.clone(), "m.room.create");
    assert_eq!(create["additional_creators"], json!(["@dora:a.example", BOB]));

    for bad in [json!("x"), json!([1]), json!(["dora"])] {
        request.creation_content = object(json!({"additional_creators": bad}));
        assert!(matches!(
            create_room(request.clone()),
            Err(CreateError::CreationContent(_))
        ));
    }
}

#[test]
fn the_server_says_version_creator_and_nonce() {
    for version in VERSIONS {
        let mut request = request(&version, Preset::PrivateChat);
        let liar = json!({
            "creator": BOB, "room_version": "1", NONCE_KEY: "mine", "m.federate": false, "org.example": 1,
        });
        request.creation_content = object(liar);
        let create = content_of(request, "m.room.create");
        assert_eq!(create["room_version"], version.as_str());
        assert_eq!(
            create.get("creator"),
            (version == RoomVersionId::V10).then_some(&json!(ALICE))
        );
        assert_eq!(create["m.federate"], false);
        assert_eq!(create["org.example"], 1);
        if version == RoomVersionId::V12 {
            assert_eq!(create[NONCE_KEY], NONCE);
        }
    }
}

#[test]
fn two_rooms_of_the_same_moment_differ_by_their_nonce() {
    let mut other = private();
    other.nonce = "fedcba9876543210".to_owned();
    assert_ne!(send_all(private()).room_id, send_all(other).room_id);
    let mut short = private();
    short.nonce = "012345678901234".to_owned();
    assert!(matches!(create_room(short), Err(CreateError::ShortNonce)));
}

#[test]
fn initial_state_takes_the_place_of_the_presets() {
    let mut request = private();
    request.initial_state = vec![
        initial("m.room.join_rules", json!({"join_rule": "knock"})),
        initial(
            "m.room.history_visibility",
            json!({"history_visibility": "joined"}),
        ),
    ];
    let kinds = types(request.clone());
    for kind in [
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
    ] {
        assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kind}");
    }
    assert_eq!(
        content_of(request.clone(), "m.room.join_rules"),
        json!({"join_rule": "knock"})
    );
    send_all(request);
}

#[test]
fn name_and_topic_override_initial_state() {
    let mut request = private();
    request.initial_state = vec![
        initial("m.room.name", json!({"name": "initial"})),
        initial("m.room.topic", json!({"topic": "initial"})),
    ];
    assert_eq!(
        content_of(request.clone(), "m.room.name"),
        json!({"name": "initial"})
    );
    request.name = Some("Registry".to_owned());
    request.topic = Some("Moving house".to_owned());
    assert_eq!(
        content_of(request.clone(), "m.room.name"),
        json!({"name": "Registry"})
    );
    assert_eq!(
        types(request)
            .iter()
            .filter(|kind| *kind == "m.room.topic")
            .count(),
        1
    );
}

#[test]
fn bad_initial_state_is_named() {
    for (kind, content) in [
        ("m.room.name", json!({"name": 1})),
        ("m.room.join_rules", json!({})),
        ("m.room.encryption", json!({})),
        ("m.room.create", json!({"room_version": "12"})),
        ("m.room.member", json!({"membership": "join"})),
    ] {
        let mut request = private();
        request.initial_state = vec![initial(kind, content)];
        let error = create_room(request).unwrap_err();
        assert!(matches!(error, CreateError::InitialState { .. }), "{error:?}");
        assert!(error.to_string().contains(kind), "{error}");
    }
}

#[test]
fn the_policy_decides_whether_a_room_is_encrypted() {
    let is_encrypted = |encryption, preset, space| {
        let mut request = request(&RoomVersionId::V12, preset);
        request.encryption = encryption;
        if space {
            request.creation_content = object(json!({"type": "m.space"}));
        }
        types(request).contains(&"m.room.encryption".to_owned())
    };
    for preset in PRESETS {
        assert!(is_encrypted(Encryption::Required, preset, false));
        assert_eq!(
            is_encrypted(Encryption::Default, preset, false),
            preset != Preset::PublicChat
        );
        assert!(!is_encrypted(Encryption::Optional, preset, false));
        assert!(
            !is_encrypted(Encryption::Required, preset, true),
            "a space has no messages"
        );
    }
}

#[test]
fn encryption_of_the_request_is_taken_unless_it_is_weaker() {
    let with = |encryption, content| {
        let mut request = private();
        request.encryption = encryption;
        request.initial_state = vec![initial("m.room.encryption", content)];
        create_room(request)
    };
    let short = json!({"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 1_000});
    let events = with(Encryption::Required, short).unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|e| e.kind == TimelineEventType::RoomEncryption)
            .count(),
        1
    );

    let other = json!({"algorithm": "org.example.rot13"});
    let refused = with(Encryption::Required, other.clone()).unwrap_err();
    assert!(matches!(
        refused,
        CreateError::Encryption(PolicyRefusal::Algorithm)
    ));
    assert!(with(Encryption::Optional, other).is_ok());
    let long = json!({"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_msgs": 1_000});
    assert!(matches!(
        with(Encryption::Required, long),
        Err(CreateError::Encryption(_))
    ));
}

#[test]
fn overrides_go_on_top_of_the_default_power_levels() {
    let mut request = request(&RoomVersionId::V11, Preset::PrivateChat);
    let above = json!({"invite": 50, "events": {"m.room.name": 0, "org.example": 1}, "users": {BOB: 50}});
    request.power_level_content_override = object(above);
    let levels = content_of(request, "m.room.power_levels");
    assert_eq!(levels["invite"], 50);
    assert_eq!(levels["ban"], 50);
    assert_eq!(levels["events"]["m.room.name"], 0);
    assert_eq!(levels["events"]["org.example"], 1);
    assert_eq!(levels["events"]["m.room.encryption"], 100);
    assert_eq!(levels["users"], json!({ALICE: 100, BOB: 50}));
}

#[test]
fn power_levels_of_initial_state_replace_the_defaults_in_their_place() {
    let mut request = request(&RoomVersionId::V11, Preset::PrivateChat);
    let given = initial(
        "m.room.power_levels",
        json!({"users": {ALICE: 100}, "invite": 10}),
    );
    request.initial_state = vec![given];
    request.power_level_content_override = object(json!({"kick": 60}));
    assert_eq!(types(request.clone())[2], "m.room.power_levels");
    let levels = content_of(request.clone(), "m.room.power_levels");
    assert_eq!(levels, json!({"users": {ALICE: 100}, "invite": 10, "kick": 60}));
    assert_eq!(
        types(request)
            .iter()
            .filter(|kind| *kind == "m.room.power_levels")
            .count(),
        1
    );
}

#[test]
fn power_levels_that_are_none_or_list_a_creator_of_version_12_are_refused() {
    for bad in [
        json!({"ban": "x"}),
        json!({"users": {"bob": 1}}),
        json!({"users": {ALICE: 100}}),
        json!({"events": 1}),
    ] {
        let mut request = private();
        request.power_level_content_override = object(bad.clone());
        assert!(
            matches!(create_room(request), Err(CreateError::PowerLevels(_))),
            "{bad}"
        );
    }
}

#[test]
fn who_is_listed_twice_is_invited_once() {
    let mut request = private();
    request.invite = vec![person(BOB), person(CAROL), person(BOB)];
    let invited: Vec<_> = events(request)
        .into_iter()
        .skip(1)
        .map(|(_, state_key, _)| state_key)
        .collect();
    assert_eq!(invited.iter().filter(|id| *id == BOB).count(), 1);
    assert_eq!(invited.last().unwrap(), CAROL);
}

#[test]
fn debug_output_shows_no_names() {
    let mut request = private();
    request.name = Some("secret".to_owned());
    request.creator.displayname = Some("secret".to_owned());
    let events = create_room(request.clone()).unwrap();
    assert!(!format!("{request:?} {:?} {events:?}", request.creator).contains("secret"));
}

#[test]
fn other_versions_are_refused() {
    let result = create_room(request(&RoomVersionId::V9, Preset::PrivateChat));
    assert!(matches!(result, Err(CreateError::UnsupportedVersion(_))));
}
