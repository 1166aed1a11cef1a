//! The first power levels of a new room.
//!
//! The specification's defaults, written out so that clients can show them, with the events that protect the
//! room itself reserved for its administrators. Start with [`content`].

use std::collections::BTreeSet;

use ruma::Int;
use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::TimelineEventType;
use ruma::room_version_rules::RoomVersionRules;

use super::{CreateError, CreateRoom, Preset, check_content};

/// Levels of event types that differ from the defaults. The tombstone is apart, see [`tombstone_level`].
const EVENT_LEVELS: [(&str, i32); 11] = [
    // Every member may take part in a call.
    ("m.call.member", 0),
    ("m.room.avatar", 50),
    ("m.room.canonical_alias", 50),
    ("m.room.encryption", 100),
    ("m.room.history_visibility", 100),
    ("m.room.name", 50),
    ("m.room.policy", 100),
    ("m.room.power_levels", 100),
    ("m.room.server_acl", 100),
    ("m.room.topic", 50),
    ("org.matrix.msc3401.call.member", 0),
];

const LEVELS: [(&str, i32); 7] = [
    ("ban", 50),
    ("events_default", 0),
    ("invite", 0),
    ("kick", 50),
    ("redact", 50),
    ("state_default", 50),
    ("users_default", 0),
];

/// The content of the room's first `m.room.power_levels` event.
///
/// Power levels in `initial_state` replace the defaults. `power_level_content_override` is put on top of either:
/// the entries of its `events`, `notifications` and `users` one by one, everything else whole. So a client that
/// sets the level of one event type doesn't take away the protection of the others.
pub(super) fn content(
    request: &CreateRoom,
    creators: &BTreeSet<String>,
    rules: &RoomVersionRules,
) -> Result<CanonicalJsonObject, CreateError> {
    let given = request
        .initial_state
        .iter()
        .find(|event| event.kind == TimelineEventType::RoomPowerLevels && event.state_key.is_empty());
    let mut content = match given {
        Some(event) => event.content.clone(),
        None => defaults(request, rules),
    };
    for (key, value) in &request.power_level_content_override {
        match (content.get_mut(key), value) {
            (Some(CanonicalJsonValue::Object(below)), CanonicalJsonValue::Object(above)) => {
                below.extend(above.clone());
            }
            _ => {
                content.insert(key.clone(), value.clone());
            }
        }
    }
    check(&content, creators, rules)?;
    Ok(content)
}

fn defaults(request: &CreateRoom, rules: &RoomVersionRules) -> CanonicalJsonObject {
    let mut content = to_object(LEVELS);
    let mut events = to_object(EVENT_LEVELS);
    events.insert("m.room.tombstone".to_owned(), tombstone_level(rules).into());
    content.insert("events".to_owned(), events.into());
    content.insert("notifications".to_owned(), to_object([("room", 50)]).into());

    let mut users = CanonicalJsonObject::new();
    // "In room versions 12 and later, the room creator is given infinite power level and cannot be specified in
    // the users field."
    if !rules.authorization.explicitly_privilege_room_creators {
        users.insert(request.creator.user_id.to_string(), Int::from(100).into());
        if request.preset == Preset::TrustedPrivateChat {
            users.extend(
                request
                    .invite
                    .iter()
                    .map(|person| (person.user_id.to_string(), Int::from(100).into())),
            );
        }
    }
    content.insert("users".to_owned(), users.into());
    content
}

/// "If the room's version is 12 or higher, the power level for sending m.room.tombstone events MUST explicitly be
/// higher than state_default. For example, set to 150 instead of 100."
fn tombstone_level(rules: &RoomVersionRules) -> Int {
    match rules.authorization.explicitly_privilege_room_creators {
        true => Int::from(150),
        false => Int::from(100),
    }
}

fn check(
    content: &CanonicalJsonObject,
    creators: &BTreeSet<String>,
    rules: &RoomVersionRules,
) -> Result<(), CreateError> {
    check_content(&TimelineEventType::RoomPowerLevels, content).map_err(CreateError::PowerLevels)?;
    let users = content.get("users").and_then(CanonicalJsonValue::as_object);
    let creator = users.and_then(|users| users.keys().find(|user| creators.contains(*user)));
    match creator {
        Some(user) if rules.authorization.explicitly_privilege_room_creators => Err(
            CreateError::PowerLevels(format!("{user} is a creator of the room and has no level")),
        ),
        _ => Ok(()),
    }
}

fn to_object<const N: usize>(levels: [(&str, i32); N]) -> CanonicalJsonObject {
    levels
        .into_iter()
        .map(|(key, level)| (key.to_owned(), Int::from(level).into()))
        .collect()
}
