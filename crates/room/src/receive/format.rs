//! The event format of a room version, and the size limits.

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::room_version_rules::RoomVersionRules;
use ruma::signatures::JsonError;
use ruma::state_res::check_pdu_format;
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

use super::{Malformed, text};
use crate::build::MAX_PDU_BYTES;
use crate::redact::reference_hash;

/// "Must contain less than or equal to 20 events."
pub const MAX_PREV_EVENTS: usize = 20;

/// "Must contain less than or equal to 10 events."
pub const MAX_AUTH_EVENTS: usize = 10;

/// SHA-256 in base64 without padding.
const HASH_CHARS: usize = 43;

/// What was found out about an event on the way.
pub(super) struct Fields {
    pub(super) event_id: OwnedEventId,
    pub(super) room_id: OwnedRoomId,
    pub(super) sender: OwnedUserId,
}

/// Checks everything that the format says. `object` is without `unsigned`, and comes back as it was.
pub(super) fn check(object: &mut CanonicalJsonObject, rules: &RoomVersionRules) -> Result<Fields, Malformed> {
    check_size(object)?;
    check_fields(object, rules)?;
    check_ids(object, "prev_events", MAX_PREV_EVENTS)?;
    check_ids(object, "auth_events", MAX_AUTH_EVENTS)?;
    let sender = text(object, "sender")
        .and_then(|sender| UserId::parse(sender).ok())
        .ok_or_else(|| format("sender is not a user id"))?;
    let hash = reference_hash(object, rules).map_err(|error| match error {
        JsonError::PduTooLarge => Malformed::TooLarge {
            size_bytes: MAX_PDU_BYTES + 1,
        },
        _ => format("event can't be redacted"),
    })?;
    let event_id = EventId::new_v2_or_v3(&hash).map_err(|_| format("event has no id"))?;
    Ok(Fields {
        event_id,
        room_id: room_id(object, &hash)?,
        sender,
    })
}

/// "The complete event MUST NOT be larger than 65536 bytes, when formatted with the federation event format,
/// including any signatures, and encoded as Canonical JSON."
///
/// Without `unsigned`: each server adds its own, so counting it would let servers disagree about an event.
fn check_size(object: &CanonicalJsonObject) -> Result<(), Malformed> {
    let size_bytes = serde_json::to_string(object)?.len();
    match size_bytes <= MAX_PDU_BYTES {
        true => Ok(()),
        false => Err(Malformed::TooLarge { size_bytes }),
    }
}

fn check_fields(object: &mut CanonicalJsonObject, rules: &RoomVersionRules) -> Result<(), Malformed> {
    // The content is set aside meanwhile: its size has been checked, and ruma counts one byte less than the
    // specification allows for the whole event.
    let Some(CanonicalJsonValue::Object(content)) = object.remove("content") else {
        return Err(format("content is not an object"));
    };
    let checked = check_pdu_format(object, &rules.event_format).map_err(Malformed::Format);
    object.insert("content".to_owned(), content.into());
    checked?;

    match object.get("origin_server_ts") {
        Some(CanonicalJsonValue::Integer(ms)) if i64::from(*ms) >= 0 => {}
        _ => return Err(format("origin_server_ts is not a time")),
    }
    let has_hash = object
        .get("hashes")
        .and_then(CanonicalJsonValue::as_object)
        .is_some_and(|hashes| text(hashes, "sha256").is_some());
    if !has_hash {
        return Err(format("hashes has no sha256"));
    }
    if object
        .get("signatures")
        .is_none_or(|signatures| !signatures.is_object())
    {
        return Err(format("signatures is not an object"));
    }
    Ok(())
}

/// "Event IDs for the events in the room that ...": `$` and the hash. One that isn't can belong to no event, and the
/// event that names it could never be allowed or placed.
fn check_ids(object: &CanonicalJsonObject, field: &str, max: usize) -> Result<(), Malformed> {
    let ids = object
        .get(field)
        .and_then(CanonicalJsonValue::as_array)
        .unwrap_or_default();
    if ids.len() > max {
        return Err(Malformed::Format(format!("more than {max} {field}")));
    }
    let well_formed = |id: &CanonicalJsonValue| id.as_str().is_some_and(is_event_id);
    match ids.iter().all(well_formed) {
        true => Ok(()),
        false => Err(Malformed::Format(format!("{field} holds what is no event id"))),
    }
}

/// "The event ID is the reference hash of the event encoded using URL-safe Unpadded Base64 prefixed with `$`."
pub(crate) fn is_event_id(id: &str) -> bool {
    id.strip_prefix('$').is_some_and(|hash| {
        hash.len() == HASH_CHARS
            && hash
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// The room that the event names, else the one that it founds: "The room ID is the event ID of the event with sigil
/// `!` instead of `$`." Only version 12 create events get here without naming one.
fn room_id(object: &CanonicalJsonObject, hash: &str) -> Result<OwnedRoomId, Malformed> {
    let room_id = match text(object, "room_id") {
        Some(named) => RoomId::parse(named),
        None => RoomId::new_v2(hash),
    };
    room_id.map_err(|_| format("room_id is not a room id"))
}

/// The ids in a field that was checked.
pub(super) fn ids(object: &CanonicalJsonObject, field: &str) -> Vec<OwnedEventId> {
    object
        .get(field)
        .and_then(CanonicalJsonValue::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|id| EventId::parse(id.as_str()?).ok())
        .collect()
}

fn format(text: &str) -> Malformed {
    Malformed::Format(text.to_owned())
}
