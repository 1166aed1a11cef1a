//! The encryption policy of this server, applied to what its own users send.
//!
//! Events of other servers never come here: the authorization rules must be the same everywhere, so plaintext
//! from another server can't be rejected by a policy. Whether a room was ever encrypted is kept apart from its
//! state, by the caller, and only ever turns to true. Start with [`check_send`].

use ruma::EventId;
use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::TimelineEventType;

use crate::pdu::Pdu;

/// The only algorithm for messages in a room.
///
/// # Spec
///
/// [`m.megolm.v1.aes-sha2`](https://spec.matrix.org/v1.19/client-server-api/#mmegolmv1aes-sha2)
pub const ALGORITHM: &str = "m.megolm.v1.aes-sha2";

/// How long a session may be used when `m.room.encryption` doesn't say: one week, in milliseconds.
pub const DEFAULT_ROTATION_MS: i64 = 604_800_000;

/// How many messages a session may carry when `m.room.encryption` doesn't say.
pub const DEFAULT_ROTATION_MSGS: i64 = 100;

/// Longest reaction, in bytes: a key is one emoji, some of which are long sequences, or the address of a picture.
const MAX_REACTION_KEY_BYTES: usize = 255;

/// Longest name of a reaction, in bytes.
const MAX_SHORTCODE_BYTES: usize = 64;

/// Longest note that somebody takes part in a call, in bytes of canonical JSON.
const MAX_RTC_MEMBER_BYTES: usize = 4096;

/// What the operator demands of the rooms of this server's users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// Every room is encrypted from its first moment, and our users send no plaintext.
    #[default]
    Required,
    /// Private rooms are encrypted unless the creator says otherwise; once encrypted, always encrypted.
    Default,
    /// Rooms are encrypted when their users want it.
    Optional,
}

/// What is known about the encryption of the room that an event goes to.
#[derive(Debug, Clone, Copy)]
pub struct RoomEncryption<'a> {
    /// The server's policy.
    pub policy: Encryption,
    /// Whether the room ever had an `m.room.encryption` event.
    pub ever_encrypted: bool,
    /// The room's current `m.room.encryption` event.
    pub current: Option<&'a Pdu>,
}

/// Why the policy refuses an event. The texts are for the person who wanted to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// A readable message under the policy `required`.
    #[error("this server only accepts end-to-end encrypted messages")]
    PlaintextRefusedHere,
    /// A readable message in a room that was once encrypted.
    #[error("this room is end-to-end encrypted, so messages must be encrypted too")]
    PlaintextInEncryptedRoom,
    /// An `m.room.encrypted` event whose content isn't encrypted as rooms are.
    #[error("the message is not encrypted with m.megolm.v1.aes-sha2")]
    NotEncrypted,
    /// An event that may be readable, but carries more than it needs to.
    #[error("this event carries more than it needs, and what it carries would not be encrypted")]
    MoreThanNeeded,
    /// An `m.room.encryption` event without the algorithm.
    #[error("encryption of a room can't be removed, and its algorithm must be m.megolm.v1.aes-sha2")]
    Algorithm,
    /// An `m.room.encryption` event that lets sessions live longer.
    #[error("keys of an encrypted room must be changed at least as often as before")]
    Rotation,
    /// A redaction of an event that the room can't do without.
    #[error("this event makes the room or keeps it encrypted or closed to others, so it can't be deleted")]
    Foundation,
}

/// Checks what one of our own users wants to send against the encryption policy.
///
/// # Errors
///
/// The policy refuses the event; the error says why in a sentence for the user.
///
/// # Spec
///
/// [`m.room.encryption`](https://spec.matrix.org/v1.19/client-server-api/#mroomencryption)
pub fn check_send(
    room: RoomEncryption<'_>,
    kind: &TimelineEventType,
    is_state: bool,
    content: &CanonicalJsonObject,
) -> Result<(), PolicyRefusal> {
    match (kind, is_state) {
        (TimelineEventType::RoomEncryption, true)
            if room.ever_encrypted || room.policy == Encryption::Required =>
        {
            check_encryption(room.current, content)
        }
        (_, true) => Ok(()),
        (_, false) => check_message(room, kind, content),
    }
}

/// Checks that the target of a redaction isn't an event whose content the room goes by: without the one of
/// `m.room.encryption`, clients would take the room for an unencrypted one. Nobody may do this, whatever their power.
///
/// # Errors
///
/// [`PolicyRefusal::Foundation`] when it is.
///
/// # Spec
///
/// [Redactions](https://spec.matrix.org/v1.19/client-server-api/#redactions)
pub fn check_redaction(target: &Pdu) -> Result<(), PolicyRefusal> {
    let is_foundation = matches!(
        target.kind(),
        TimelineEventType::RoomCreate | TimelineEventType::RoomEncryption | TimelineEventType::RoomServerAcl
    );
    match target.state_key().is_some() && is_foundation {
        true => Err(PolicyRefusal::Foundation),
        false => Ok(()),
    }
}

fn check_message(
    room: RoomEncryption<'_>,
    kind: &TimelineEventType,
    content: &CanonicalJsonObject,
) -> Result<(), PolicyRefusal> {
    let refusal = match room.policy {
        Encryption::Required => PolicyRefusal::PlaintextRefusedHere,
        Encryption::Default if room.ever_encrypted => PolicyRefusal::PlaintextInEncryptedRoom,
        Encryption::Default | Encryption::Optional => return Ok(()),
    };
    match kind.to_string().as_str() {
        "m.room.encrypted" => check_ciphertext(content),
        // Redactions and reactions are never encrypted: servers act on the one and add up the other. The last
        // one says who takes part in a call; the call itself is encrypted.
        "m.room.redaction" => Ok(()),
        "m.reaction" => needed(is_reaction(content)),
        "org.matrix.msc4143.rtc.member" => {
            needed(serde_json::to_string(content).is_ok_and(|json| json.len() <= MAX_RTC_MEMBER_BYTES))
        }
        _ => Err(refusal),
    }
}

/// What may be readable must not become a way to send messages in the clear.
fn needed(is_needed: bool) -> Result<(), PolicyRefusal> {
    match is_needed {
        true => Ok(()),
        false => Err(PolicyRefusal::MoreThanNeeded),
    }
}

/// Whether this is a reaction to an event and nothing else.
///
/// # Spec
///
/// [`m.reaction`](https://spec.matrix.org/v1.19/client-server-api/#mreaction)
fn is_reaction(content: &CanonicalJsonObject) -> bool {
    let short =
        |value: &CanonicalJsonValue, longest| value.as_str().is_some_and(|text| text.len() <= longest);
    let is_event_id =
        |id: &CanonicalJsonValue| id.as_str().is_some_and(|id| <&EventId>::try_from(id).is_ok());
    let is_relation = |relation: &CanonicalJsonObject| {
        relation.len() == 3
            && relation.get("rel_type").and_then(CanonicalJsonValue::as_str) == Some("m.annotation")
            && relation.get("event_id").is_some_and(is_event_id)
            && relation
                .get("key")
                .is_some_and(|key| short(key, MAX_REACTION_KEY_BYTES))
    };
    content.contains_key("m.relates_to")
        && content.iter().all(|(name, value)| match name.as_str() {
            "m.relates_to" => value.as_object().is_some_and(is_relation),
            "shortcode" => short(value, MAX_SHORTCODE_BYTES),
            _ => false,
        })
}

/// An event isn't encrypted because it says so in its type.
fn check_ciphertext(content: &CanonicalJsonObject) -> Result<(), PolicyRefusal> {
    let text = |key| content.get(key).and_then(CanonicalJsonValue::as_str);
    match (text("algorithm"), text("ciphertext"), content.get("body")) {
        (Some(ALGORITHM), Some(_), None) => Ok(()),
        _ => Err(PolicyRefusal::NotEncrypted),
    }
}

/// Checks that an `m.room.encryption` event doesn't weaken what holds now, or the recommended defaults.
pub(crate) fn check_encryption(
    current: Option<&Pdu>,
    content: &CanonicalJsonObject,
) -> Result<(), PolicyRefusal> {
    if content.get("algorithm").and_then(CanonicalJsonValue::as_str) != Some(ALGORITHM) {
        return Err(PolicyRefusal::Algorithm);
    }
    let current = current
        .and_then(|pdu| pdu.content_as::<CanonicalJsonObject>().ok())
        .unwrap_or_default();
    let periods = [
        ("rotation_period_ms", DEFAULT_ROTATION_MS),
        ("rotation_period_msgs", DEFAULT_ROTATION_MSGS),
    ];
    for (key, default) in periods {
        let limit = period(&current, key).unwrap_or(default).min(default);
        let wanted = match content.get(key) {
            Some(_) => period(content, key).ok_or(PolicyRefusal::Rotation)?,
            None => default,
        };
        if wanted > limit {
            return Err(PolicyRefusal::Rotation);
        }
    }
    Ok(())
}

/// A period that clients can follow: a positive integer.
fn period(content: &CanonicalJsonObject, key: &str) -> Option<i64> {
    content
        .get(key)
        .and_then(CanonicalJsonValue::as_integer)
        .map(i64::from)
        .filter(|period| *period > 0)
}

#[cfg(test)]
mod tests;
