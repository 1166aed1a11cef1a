//! Redaction: the copy of an event that keeps only what its room version needs, and who may ask for one.
//!
//! Nothing is removed from a store here, and whether a redaction event may enter the room is a matter of the
//! authorization rules. Start with [`redact`].

use ruma::canonical_json::{
    CanonicalJsonFieldError, CanonicalJsonObject, CanonicalJsonValue, redact_in_place,
};
use ruma::room_version_rules::{RedactionRules, RoomVersionRules};
use ruma::signatures::JsonError;
use ruma::{RoomVersionId, UserId};

use crate::pdu::{Pdu, PduError};
use crate::power::Power;
use crate::version::rules;

/// Why an event can't be redacted.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The room version isn't supported.
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// The event's own fields don't have the types of an event.
    #[error("event can't be redacted: {0}")]
    Field(#[from] CanonicalJsonFieldError),
    /// The stored event isn't canonical JSON.
    #[error("event can't be redacted: {0}")]
    Json(#[from] serde_json::Error),
    /// The redacted copy is no event any more.
    #[error("event can't be redacted: {0}")]
    Pdu(#[from] PduError),
}

/// The redacted copy of an event: same event id, hashes and signatures, and only the keys that the room
/// version's algorithm keeps.
///
/// # Errors
///
/// The stored event or the version is unusable; see [`RedactError`].
///
/// # Spec
///
/// [Redactions](https://spec.matrix.org/v1.19/rooms/v12/#redactions)
pub fn redact(pdu: &Pdu, version: &RoomVersionId) -> Result<Pdu, RedactError> {
    let rules = rules(version).ok_or_else(|| RedactError::UnsupportedVersion(version.to_owned()))?;
    let mut object = pdu.to_object()?;
    redact_object(&mut object, &rules.redaction)?;
    let json = serde_json::to_string(&object)?;
    let redacted = Pdu::from_stored(pdu.room_id(), pdu.event_id(), &json)?;
    Ok(redacted.with_rejected(pdu.is_rejected()))
}

/// Leaves of an event what the room version's algorithm keeps.
///
/// ruma's algorithm, but for a membership whose `third_party_invite` is no object: ruma keeps it whatever it is, while
/// "the signed key of the third_party_invite key" isn't there to be kept. Event ids depend on it.
///
/// # Errors
///
/// The event has no type, or its content is no object.
pub(crate) fn redact_object(
    object: &mut CanonicalJsonObject,
    rules: &RedactionRules,
) -> Result<(), CanonicalJsonFieldError> {
    redact_in_place(object, rules, None)?;
    let is_member = object.get("type").and_then(CanonicalJsonValue::as_str) == Some("m.room.member");
    if let Some(CanonicalJsonValue::Object(content)) = object.get_mut("content").filter(|_| is_member) {
        content.retain(|key, value| key != "third_party_invite" || value.is_object());
    }
    Ok(())
}

/// The reference hash of an event: its id without the sigil.
///
/// # Errors
///
/// The event is too large, or can't be redacted.
///
/// # Spec
///
/// [Calculating the reference hash](https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event)
pub fn reference_hash(object: &CanonicalJsonObject, rules: &RoomVersionRules) -> Result<String, JsonError> {
    let mut object = object.clone();
    redact_object(&mut object, &rules.redaction)?;
    ruma::signatures::reference_hash(&object, rules)
}

/// Whether one of our own users may redact the event: their own, or any with the room's redact level.
///
/// # Spec
///
/// [Redactions](https://spec.matrix.org/v1.19/client-server-api/#redactions)
pub fn may_redact(target: &Pdu, redactor: &UserId, power: &Power) -> bool {
    target.sender() == redactor || power.may_redact_others(redactor)
}

/// Whether a redaction event that is in the room takes effect on its target, whichever server sent it.
///
/// Wider than [`may_redact`], and the same on every server: a server answers for all of its own users.
///
/// # Spec
///
/// [Handling redactions](https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions)
pub fn redaction_applies(target: &Pdu, redaction: &Pdu, power: &Power) -> bool {
    target.room_id() == redaction.room_id()
        && !redaction.is_rejected()
        && (power.may_redact_others(redaction.sender())
            || target.sender().server_name() == redaction.sender().server_name())
}

#[cfg(test)]
mod tests;
