//! A complete, hashed and signed event: parsed once, then only read and shared (`Arc<Pdu>`).
//!
//! A [`Pdu`] comes from [`build()`](crate::build::build), from [`redact()`](crate::redact::redact), from our own
//! database ([`Pdu::from_stored`]), or from another server, once [`receive`](mod@crate::receive) has verified it.

use std::fmt;
use std::sync::Arc;

use ruma::canonical_json::CanonicalJsonObject;
use ruma::events::TimelineEventType;
use ruma::events::room::member::MembershipState;
use ruma::room_version_rules::RoomVersionRules;
use ruma::state_res::Event;
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UInt, UserId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A complete event in the federation format of its room version.
///
/// # Spec
///
/// [PDUs](https://spec.matrix.org/v1.19/server-server-api/#pdus)
#[derive(Clone)]
pub struct Pdu {
    event_id: OwnedEventId,
    room_id: OwnedRoomId,
    /// A version 12 create event has a room, but doesn't say so in its JSON.
    names_room: bool,
    sender: OwnedUserId,
    kind: TimelineEventType,
    state_key: Option<String>,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    depth: u64,
    prev_events: Box<[OwnedEventId]>,
    auth_events: Box<[OwnedEventId]>,
    redacts_on_top: Option<OwnedEventId>,
    redacts_in_content: Option<OwnedEventId>,
    sticky_ms: Option<u32>,
    content: Arc<RawValue>,
    json: Arc<str>,
    rejected: bool,
}

/// Without the content, which has no place in a log.
impl fmt::Debug for Pdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdu")
            .field("event_id", &self.event_id)
            .field("room_id", &self.room_id)
            .field("kind", &self.kind)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}

/// Why stored JSON is not an event.
#[derive(Debug, thiserror::Error)]
pub enum PduError {
    /// The text isn't JSON, or a field that every event has is missing or of another type.
    #[error("event {event_id} is not a PDU: {source}")]
    Json {
        /// The event as the caller named it.
        event_id: OwnedEventId,
        /// What is wrong with the text.
        source: serde_json::Error,
    },
    /// The event says that it belongs to another room than the one it was asked for in.
    #[error("event {event_id} belongs to another room than {room_id}")]
    OtherRoom {
        /// The event as the caller named it.
        event_id: OwnedEventId,
        /// The room the caller asked in.
        room_id: OwnedRoomId,
    },
}

/// The fields of the federation format that the server works with, borrowed from the text.
#[derive(Deserialize)]
struct Wire<'a> {
    room_id: Option<OwnedRoomId>,
    sender: OwnedUserId,
    #[serde(rename = "type")]
    kind: TimelineEventType,
    state_key: Option<String>,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    depth: UInt,
    prev_events: Box<[OwnedEventId]>,
    auth_events: Box<[OwnedEventId]>,
    #[serde(borrow)]
    redacts: Option<&'a RawValue>,
    #[serde(borrow, rename = "msc4354_sticky")]
    sticky: Option<&'a RawValue>,
    #[serde(borrow)]
    content: &'a RawValue,
}

impl Pdu {
    /// Reads an event that this server has stored, and therefore checked, before.
    ///
    /// The room comes from the caller, because a version 12 create event carries none.
    ///
    /// # Errors
    ///
    /// The text is no event, or names another room.
    pub fn from_stored(room_id: &RoomId, event_id: &EventId, json: &str) -> Result<Self, PduError> {
        let not_a_pdu = |source| PduError::Json {
            event_id: event_id.to_owned(),
            source,
        };
        let wire: Wire<'_> = serde_json::from_str(json).map_err(not_a_pdu)?;
        if wire.room_id.as_deref().is_some_and(|named| named != room_id) {
            return Err(PduError::OtherRoom {
                event_id: event_id.to_owned(),
                room_id: room_id.to_owned(),
            });
        }
        let (on_top, in_content) = match wire.kind {
            TimelineEventType::RoomRedaction => (read_event_id(wire.redacts), content_redacts(wire.content)),
            _ => (None, None),
        };
        Ok(Self {
            event_id: event_id.to_owned(),
            room_id: room_id.to_owned(),
            names_room: wire.room_id.is_some(),
            sender: wire.sender,
            kind: wire.kind,
            state_key: wire.state_key,
            origin_server_ts: wire.origin_server_ts,
            depth: wire.depth.into(),
            prev_events: wire.prev_events,
            auth_events: wire.auth_events,
            redacts_on_top: on_top,
            redacts_in_content: in_content,
            sticky_ms: wire.sticky.and_then(sticky_ms),
            content: Arc::from(wire.content.to_owned()),
            json: Arc::from(json),
            rejected: false,
        })
    }

    /// The event's id: the reference hash of the event.
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The room this event belongs to, also for a create event that doesn't name it.
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// The user who sent this event.
    pub fn sender(&self) -> &UserId {
        &self.sender
    }

    /// When the sender's server says that it made this event.
    pub fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.origin_server_ts
    }

    /// The event's `type`.
    pub fn kind(&self) -> &TimelineEventType {
        &self.kind
    }

    /// The state key; `None` for an event that isn't state.
    pub fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    /// Whether this is a state event.
    pub fn is_state(&self) -> bool {
        self.state_key.is_some()
    }

    /// The content as it stands in the event.
    pub fn content(&self) -> &RawValue {
        &self.content
    }

    /// The content as a type of the caller's choice.
    ///
    /// # Errors
    ///
    /// The content doesn't fit the type, which a remote server may well have caused.
    pub fn content_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.content.get())
    }

    /// The membership that an `m.room.member` state event sets; `None` for everything else.
    pub fn membership(&self) -> Option<MembershipState> {
        #[derive(Deserialize)]
        struct Member {
            membership: MembershipState,
        }
        if self.kind != TimelineEventType::RoomMember || self.state_key.is_none() {
            return None;
        }
        self.content_as::<Member>().ok().map(|content| content.membership)
    }

    /// The event that this `m.room.redaction` names, wherever it does.
    ///
    /// Room version 10 names it at the top level, later versions in the content. An event that names two
    /// different ones is read with [`redacts_by`](Self::redacts_by), and `None` here.
    pub fn redacts(&self) -> Option<&EventId> {
        match (&self.redacts_on_top, &self.redacts_in_content) {
            (Some(on_top), Some(in_content)) if on_top != in_content => None,
            (Some(id), _) | (None, Some(id)) => Some(id),
            (None, None) => None,
        }
    }

    /// The event that this `m.room.redaction` names where the room version looks for it.
    pub fn redacts_by(&self, rules: &RoomVersionRules) -> Option<&EventId> {
        match rules.redaction.content_field_redacts {
            true => self.redacts_in_content.as_deref(),
            false => self.redacts_on_top.as_deref(),
        }
    }

    /// For how long after it was made the event is sticky, in ms; at most [`MAX_STICKY_MS`]. `None`: it isn't.
    pub fn sticky_ms(&self) -> Option<u32> {
        self.sticky_ms
    }

    /// The length of the longest path from the create event, as the sender's server counted it.
    pub fn depth(&self) -> u64 {
        self.depth
    }

    /// The events that this one follows.
    pub fn prev_events(&self) -> &[OwnedEventId] {
        &self.prev_events
    }

    /// The state events that allow this one.
    pub fn auth_events(&self) -> &[OwnedEventId] {
        &self.auth_events
    }

    /// The whole event as it is stored and sent to servers: canonical JSON with hashes and signatures,
    /// without the event id.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The whole event as an object.
    ///
    /// # Errors
    ///
    /// The text isn't canonical JSON.
    pub fn to_object(&self) -> Result<CanonicalJsonObject, serde_json::Error> {
        serde_json::from_str(&self.json)
    }

    /// Whether the authorization rules refused this event. Such an event allows nothing.
    pub fn is_rejected(&self) -> bool {
        self.rejected
    }

    /// The same event with another content to show to the authorization rules; [`json`](Self::json) stays.
    pub(crate) fn with_content_for_rules(self, content: Box<RawValue>) -> Self {
        Self {
            content: Arc::from(content),
            ..self
        }
    }

    /// The same event, citing another one before its own, to show to state resolution.
    pub(crate) fn with_auth_event_first(self, id: &EventId) -> Self {
        let auth_events = std::iter::once(id.to_owned()).chain(self.auth_events);
        Self {
            auth_events: auth_events.collect(),
            ..self
        }
    }

    /// The same event, marked as the authorization rules judged it.
    #[must_use]
    pub fn with_rejected(self, rejected: bool) -> Self {
        Self { rejected, ..self }
    }
}

/// The longest time that an event is sticky, in ms: an hour.
///
/// # Spec
///
/// [MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)
pub const MAX_STICKY_MS: u32 = 60 * 60 * 1000;

/// A remote server may put anything there; what isn't a number of milliseconds doesn't make an event sticky.
fn sticky_ms(value: &RawValue) -> Option<u32> {
    #[derive(Deserialize)]
    struct Sticky {
        duration_ms: u64,
    }
    let sticky: Sticky = serde_json::from_str(value.get()).ok()?;
    u32::try_from(sticky.duration_ms)
        .ok()
        .filter(|ms| *ms <= MAX_STICKY_MS)
}

/// A remote server may put anything under `redacts`; what isn't an event id redacts nothing.
fn read_event_id(value: Option<&RawValue>) -> Option<OwnedEventId> {
    value.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

fn content_redacts(content: &RawValue) -> Option<OwnedEventId> {
    #[derive(Deserialize)]
    struct Redaction<'a> {
        #[serde(borrow)]
        redacts: Option<&'a RawValue>,
    }
    let content: Redaction<'_> = serde_json::from_str(content.get()).ok()?;
    read_event_id(content.redacts)
}

impl Event for Pdu {
    type Id = OwnedEventId;

    fn event_id(&self) -> &OwnedEventId {
        &self.event_id
    }

    fn room_id(&self) -> Option<&RoomId> {
        self.names_room.then_some(&*self.room_id)
    }

    fn sender(&self) -> &UserId {
        &self.sender
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.origin_server_ts
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.kind
    }

    fn content(&self) -> &RawValue {
        &self.content
    }

    fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.prev_events.iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.auth_events.iter())
    }

    fn redacts(&self) -> Option<&OwnedEventId> {
        self.redacts_on_top.as_ref().or(self.redacts_in_content.as_ref())
    }

    fn rejected(&self) -> bool {
        self.rejected
    }
}

#[cfg(test)]
mod tests;
