//! Events as clients get them.
//!
//! The content goes through as it is stored. What stands in `unsigned` is gathered by the caller, who knows the
//! asking user; whether that user may see the event is decided before, in [`mod@crate::visibility`]. Start with
//! [`client_event`].

use std::collections::BTreeMap;
use std::fmt;

use ruma::events::TimelineEventType;
use ruma::events::room::member::MembershipState;
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedTransactionId, OwnedUserId, RoomId,
    RoomVersionId, UserId,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::pdu::Pdu;
use crate::version::rules;

/// Which of the formats for clients is wanted.
///
/// # Spec
///
/// [Room event format](https://spec.matrix.org/v1.19/client-server-api/#room-event-format)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Without the room id, as in `/sync`, which names the room around the events.
    Timeline,
    /// With the room id, as everywhere else.
    WithRoomId,
    /// Only what someone outside the room gets of its state. `unsigned` is left out.
    Stripped,
    /// As it goes to other servers, hashes and signatures included, with its id and `unsigned` added.
    Federation,
}

/// What the server adds to an event for one user. Empty fields are left out.
///
/// # Spec
///
/// [`UnsignedData`](https://spec.matrix.org/v1.19/client-server-api/#room-event-format)
#[derive(Default, Clone, Serialize)]
pub struct Unsigned<'a> {
    /// How long ago the event was made, in milliseconds.
    #[serde(rename = "age", skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The transaction id, for the device that sent the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<OwnedTransactionId>,
    /// The content that this state event replaced, if the user may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_content: Option<&'a RawValue>,
    /// Who sent the state event that this one replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_sender: Option<OwnedUserId>,
    /// The state event that this one replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces_state: Option<OwnedEventId>,
    /// The event that redacted this one, in the client format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted_because: Option<Box<RawValue>>,
    /// The user's membership in the room when the event was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<MembershipState>,
    /// For how long the event is still sticky, in milliseconds.
    #[serde(
        rename = "msc4354_sticky_duration_ttl_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub sticky_left_ms: Option<u64>,
    /// Aggregations of the events that relate to this one.
    #[serde(rename = "m.relations", skip_serializing_if = "Option::is_none")]
    pub relations: Option<Box<RawValue>>,
}

/// Without the contents, which have no place in a log.
impl fmt::Debug for Unsigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsigned")
            .field("age_ms", &self.age_ms)
            .finish_non_exhaustive()
    }
}

impl Unsigned<'_> {
    fn is_empty(&self) -> bool {
        let Self {
            age_ms,
            transaction_id,
            prev_content,
            prev_sender,
            replaces_state,
            redacted_because,
            membership,
            sticky_left_ms,
            relations,
        } = self;
        age_ms.is_none()
            && transaction_id.is_none()
            && prev_content.is_none()
            && prev_sender.is_none()
            && replaces_state.is_none()
            && redacted_because.is_none()
            && membership.is_none()
            && sticky_left_ms.is_none()
            && relations.is_none()
    }
}

#[derive(Serialize)]
struct ClientEvent<'a> {
    content: &'a RawValue,
    event_id: &'a EventId,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacts: Option<&'a EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a RoomId>,
    #[serde(rename = "msc4354_sticky", skip_serializing_if = "Option::is_none")]
    sticky: Option<Sticky>,
    sender: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a TimelineEventType,
    #[serde(skip_serializing_if = "Unsigned::is_empty")]
    unsigned: &'a Unsigned<'a>,
}

#[derive(Serialize)]
struct Sticky {
    duration_ms: u32,
}

#[derive(Serialize)]
struct StrippedEvent<'a> {
    content: &'a RawValue,
    sender: &'a UserId,
    state_key: &'a str,
    #[serde(rename = "type")]
    kind: &'a TimelineEventType,
}

/// The event as a client gets it.
///
/// Redaction events name their target both at the top level and in the content, whatever their room version,
/// as the specification asks for old and new clients.
///
/// # Spec
///
/// [`ClientEvent`](https://spec.matrix.org/v1.19/client-server-api/#room-event-format),
/// [redacts in version 11](https://spec.matrix.org/v1.19/rooms/v11/#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property)
pub fn client_event(
    pdu: &Pdu,
    version: &RoomVersionId,
    shape: Shape,
    unsigned: &Unsigned<'_>,
) -> Box<RawValue> {
    let room_id = match shape {
        Shape::Timeline => None,
        Shape::WithRoomId => Some(pdu.room_id()),
        Shape::Stripped => return stripped(pdu),
        Shape::Federation => return federation(pdu, unsigned),
    };
    let redacts = match (pdu.kind(), rules(version)) {
        (TimelineEventType::RoomRedaction, Some(rules)) => pdu.redacts_by(rules),
        _ => None,
    };
    let content_naming_target = redacts.and_then(|target| content_with_redacts(pdu.content(), target));
    to_raw(&ClientEvent {
        content: content_naming_target.as_deref().unwrap_or(pdu.content()),
        event_id: pdu.event_id(),
        origin_server_ts: pdu.origin_server_ts(),
        redacts,
        room_id,
        sticky: pdu.sticky_ms().map(|duration_ms| Sticky { duration_ms }),
        sender: pdu.sender(),
        state_key: pdu.state_key(),
        kind: pdu.kind(),
        unsigned,
    })
}

/// The event as other servers get it. What isn't an object, which can't be, has nothing in it.
fn federation(pdu: &Pdu, unsigned: &Unsigned<'_>) -> Box<RawValue> {
    let mut fields: BTreeMap<&str, Box<RawValue>> = serde_json::from_str(pdu.json()).unwrap_or_default();
    fields.insert("event_id", to_raw(&pdu.event_id()));
    fields.insert("unsigned", to_raw(unsigned));
    to_raw(&fields)
}

/// The event as someone outside the room gets it: sender, type, state key and content.
///
/// # Spec
///
/// [Stripped state](https://spec.matrix.org/v1.19/client-server-api/#stripped-state)
pub fn stripped(pdu: &Pdu) -> Box<RawValue> {
    to_raw(&StrippedEvent {
        content: pdu.content(),
        sender: pdu.sender(),
        state_key: pdu.state_key().unwrap_or_default(),
        kind: pdu.kind(),
    })
}

/// The content with `redacts` in it; `None` if it is there already or the content isn't an object.
fn content_with_redacts(content: &RawValue, target: &EventId) -> Option<Box<RawValue>> {
    let mut object: serde_json::Map<_, _> = serde_json::from_str(content.get()).ok()?;
    if object.get("redacts").and_then(|redacts| redacts.as_str()) == Some(target.as_str()) {
        return None;
    }
    object.insert("redacts".to_owned(), target.as_str().into());
    Some(to_raw(&object))
}

fn to_raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("strings, integers and JSON text under string keys can always be written")
}

#[cfg(test)]
mod tests;
