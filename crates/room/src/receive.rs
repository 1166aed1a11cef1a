//! What another server sends, on its way to being an event of the room.
//!
//! The specification's checks on receipt of a PDU, in its order, each with what a failure means:
//!
//! 1. [`read`]: the text is an event in the format of the room version, or it is **dropped** ([`Malformed`]).
//! 2. [`Unverified::verify`]: it is signed by whom it must be, or it is **dropped** ([`SignatureError`]).
//! 3. The same: its content has the hash that was signed, or only its **redacted** form is kept ([`Kept`]).
//! 4. [`auth_state`]: its auth events may allow it, or it is **rejected** ([`Refusal`]).
//! 5. [`judge`]: the state before it allows it, or it is **rejected** ([`Verdict::Reject`]).
//! 6. The same: the current state allows it, or it is **soft failed** ([`Verdict::SoftFail`]).
//!
//! What is dropped leaves no trace and may be sent again. What is rejected or soft failed is kept with that mark:
//! other events may name it. The last check of the specification, the room's policy server, is not made here.
//!
//! Fetching keys, auth events and states is the caller's work, and so is the room's server ACL
//! ([`ServerAcl`](crate::server_acl::ServerAcl)), which concerns the server that sends and not the event.
//!
//! # Spec
//!
//! [Checks performed on receipt of a
//! PDU](https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu)

mod authorize;
mod format;
pub(crate) mod json;
mod signatures;

use std::fmt;

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::room_version_rules::RoomVersionRules;
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UInt,
    UserId,
};

pub use authorize::{
    Against, AuthEventsError, Refusal, Verdict, allowed_by, auth_state, judge, needed_state,
};
pub(crate) use format::is_event_id;
pub use format::{MAX_AUTH_EVENTS, MAX_PREV_EVENTS};
pub use signatures::{Kept, MAX_KEY_IDS, Received, SignatureError};

/// An event whose format is right. Who made it is not known yet: nobody's signature was looked at.
///
/// Its fields may be used to decide which keys and events to fetch, and for nothing else.
#[derive(Clone)]
pub struct Unverified {
    rules: &'static RoomVersionRules,
    event_id: OwnedEventId,
    room_id: OwnedRoomId,
    sender: OwnedUserId,
    /// The event without `unsigned`, for which nobody answers.
    object: CanonicalJsonObject,
}

/// Without the content, which has no place in a log.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("event_id", &self.event_id)
            .field("room_id", &self.room_id)
            .finish_non_exhaustive()
    }
}

/// Why a text is not an event: "Is a valid event, otherwise it is dropped."
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The room version isn't one of [`SUPPORTED`](crate::version::SUPPORTED).
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// Not JSON, or JSON that has no canonical form: fractions, integers beyond 2^53 - 1, a key twice.
    #[error("not canonical JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Larger than [`MAX_PDU_BYTES`](crate::build::MAX_PDU_BYTES) as canonical JSON with signatures.
    #[error("event of {size_bytes} bytes is too large")]
    TooLarge {
        /// The size of the event without `unsigned`.
        size_bytes: usize,
    },
    /// A field is missing, has another type or value than the format allows, or is too long.
    #[error("{0}")]
    Format(String),
    /// The event belongs to another room than the one it was asked for or sent in.
    #[error("event belongs to another room")]
    OtherRoom,
}

/// Reads an event of a room: "it must comply with the event format of that room version".
///
/// `json` is whatever the other server sent; its size must have been bounded, as every body is. The room is the
/// one that was asked for or that the event names ([`named_room`]), with its version as this server knows it. For
/// a version 12 create event, which names none, it is compared with the room that the event founds.
///
/// # Errors
///
/// The event must be dropped; see [`Malformed`].
///
/// # Spec
///
/// [Event format](https://spec.matrix.org/v1.19/rooms/v12/#event-format-1),
/// [size limits](https://spec.matrix.org/v1.19/client-server-api/#size-limits)
pub fn read(json: &str, room_id: &RoomId, version: &RoomVersionId) -> Result<Unverified, Malformed> {
    let rules =
        crate::version::rules(version).ok_or_else(|| Malformed::UnsupportedVersion(version.to_owned()))?;
    let mut object = json::read(json)?;
    object.remove("unsigned");
    let fields = format::check(&mut object, rules)?;
    if fields.room_id != *room_id {
        return Err(Malformed::OtherRoom);
    }
    Ok(Unverified {
        rules,
        event_id: fields.event_id,
        room_id: fields.room_id,
        sender: fields.sender,
        object,
    })
}

/// The room that an event of a transaction names, to find the room's version by.
///
/// `None` where it names none, as version 12 create events, which no transaction has any use for, and where the
/// text isn't an object.
pub fn named_room(json: &str) -> Option<OwnedRoomId> {
    #[derive(serde::Deserialize)]
    struct Named {
        room_id: OwnedRoomId,
    }
    serde_json::from_str::<Named>(json)
        .ok()
        .map(|named| named.room_id)
}

impl Unverified {
    /// The event's id: its reference hash.
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The room; for a version 12 create event the one that it founds.
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// Who is said to have sent it.
    pub fn sender(&self) -> &UserId {
        &self.sender
    }

    /// The event's `type`.
    pub fn kind(&self) -> &str {
        text(&self.object, "type").unwrap_or_default()
    }

    /// The state key; `None` for an event that isn't state.
    pub fn state_key(&self) -> Option<&str> {
        text(&self.object, "state_key")
    }

    /// When it is said to have been made: keys must have been valid then.
    pub fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        let ms = match self.object.get("origin_server_ts") {
            Some(CanonicalJsonValue::Integer(ms)) => u64::try_from(i64::from(*ms)).unwrap_or_default(),
            _ => 0,
        };
        MilliSecondsSinceUnixEpoch(UInt::new_saturating(ms))
    }

    /// The ids under `prev_events`.
    pub fn prev_events(&self) -> Vec<OwnedEventId> {
        format::ids(&self.object, "prev_events")
    }

    /// The ids under `auth_events`.
    pub fn auth_events(&self) -> Vec<OwnedEventId> {
        format::ids(&self.object, "auth_events")
    }
}

fn text<'a>(object: &'a CanonicalJsonObject, field: &str) -> Option<&'a str> {
    object.get(field).and_then(CanonicalJsonValue::as_str)
}

#[cfg(test)]
mod tests;
