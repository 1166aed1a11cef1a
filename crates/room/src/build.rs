//! From what a user wants to send to a complete event: [`NewEvent`] to [`Pdu`].
//!
//! Here this server's key signs events. It signs nothing that wasn't put together here, field by field, for a sender
//! of this server, and [`build()`] hands out nothing that the authorization rules don't allow. It doesn't know the encryption policy
//! ([`check_send`](crate::policy::check_send)) and doesn't choose previous events; the caller has the room.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::{StateEventType, TimelineEventType};
use ruma::room_version_rules::RoomVersionRules;
use ruma::signatures::{Ed25519KeyPair, hash_and_sign_event};
use ruma::state_res::{
    auth_types_for_event, check_pdu_format, check_state_dependent_auth_rules,
    check_state_independent_auth_rules,
};
use ruma::{
    EventId, Int, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    ServerName, UserId,
};
use serde_json::value::{RawValue, to_raw_value};

use crate::input::{MAX_INTEGER, check_canonical_object, check_text};
use crate::join_rule::look_up;
use crate::pdu::{MAX_STICKY_MS, Pdu};
use crate::redact::reference_hash;
use crate::version::rules;

/// The largest event, in bytes of canonical JSON with hashes and signatures.
pub const MAX_PDU_BYTES: usize = 65_536;

/// The longest `type`, `state_key`, `sender` and `room_id`, in bytes.
pub const MAX_FIELD_BYTES: usize = 255;

/// What a user wants to put into a room.
#[derive(Clone)]
pub struct NewEvent {
    /// The event's `type`.
    pub kind: TimelineEventType,
    /// The state key; `None` for an event that isn't state.
    pub state_key: Option<String>,
    /// The content.
    pub content: CanonicalJsonObject,
    /// The user who sends it. Must be a user of this server.
    pub sender: OwnedUserId,
    /// The event that an `m.room.redaction` redacts. Put where the room version wants it.
    pub redacts: Option<OwnedEventId>,
    /// When the event is made.
    pub origin_server_ts: MilliSecondsSinceUnixEpoch,
}

/// Without the content, which has no place in a log.
impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("kind", &self.kind)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

/// Where in a room the event goes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The room's version.
    pub version: &'a RoomVersionId,
    /// The room; `None` for a version 12 create event, whose hash becomes the room id.
    pub room_id: Option<&'a RoomId>,
    /// The events that the new one follows, at most 20.
    pub prev_events: &'a [OwnedEventId],
    /// One more than the largest depth among `prev_events`.
    pub depth: u64,
}

/// The part of the room's current state that decides about an event; [`auth_types`] says which part.
pub type AuthState = BTreeMap<(StateEventType, String), Arc<Pdu>>;

/// Why an event wasn't built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The room version isn't one of [`SUPPORTED`](crate::version::SUPPORTED).
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// The event with hashes and signatures is larger than [`MAX_PDU_BYTES`].
    #[error("event of {size_bytes} bytes exceeds {MAX_PDU_BYTES} bytes")]
    TooLarge {
        /// The size of the complete event.
        size_bytes: usize,
    },
    /// A field is longer than [`MAX_FIELD_BYTES`].
    #[error("{field} of {size_bytes} bytes exceeds {MAX_FIELD_BYTES} bytes")]
    FieldTooLong {
        /// The field's name in the event.
        field: &'static str,
        /// The length of the field.
        size_bytes: usize,
    },
    /// The content doesn't have the form that events of this type must have.
    #[error("content of the event is not valid: {0}")]
    BadContent(String),
    /// The authorization rules of the room version refuse the event. The text names the rule.
    #[error("not allowed in this room: {0}")]
    Forbidden(String),
    /// The event would need the signature of another server, because of the named user.
    #[error("{0} is not a user of this server")]
    NotOurUser(OwnedUserId),
    /// The event has no room to go to, or doesn't have the format of its room version.
    #[error("event does not fit its place: {0}")]
    Place(String),
}

/// The state that must be loaded to build the event: what its `auth_events` are chosen from, and the create
/// event, which every version needs and version 12 doesn't cite.
///
/// # Errors
///
/// [`BuildError::BadContent`] for a membership event whose content can't be read.
///
/// # Spec
///
/// [Auth events selection](https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection)
pub fn auth_types(
    new: &NewEvent,
    rules: &RoomVersionRules,
) -> Result<Vec<(StateEventType, String)>, BuildError> {
    let mut types = cited_types(new, rules)?;
    let create = (StateEventType::RoomCreate, String::new());
    if new.kind != TimelineEventType::RoomCreate && !types.contains(&create) {
        types.push(create);
    }
    Ok(types)
}

/// Builds the complete event, or says why it can't be.
///
/// Selects the `auth_events` from `state`, hashes, signs, computes the event id, and checks sizes, format and
/// all authorization rules against `state`, which must be the room's current state at least for
/// [`auth_types`].
///
/// # Errors
///
/// Nothing has been signed that leaves this function. See [`BuildError`].
///
/// # Spec
///
/// [Signing events](https://spec.matrix.org/v1.19/server-server-api/#signing-events),
/// [size limits](https://spec.matrix.org/v1.19/client-server-api/#size-limits)
pub fn build(
    new: NewEvent,
    place: Place<'_>,
    state: &AuthState,
    server: &ServerName,
    key: &Ed25519KeyPair,
) -> Result<Pdu, BuildError> {
    build_sticky(new, place, state, server, key, None)
}

/// The same as [`build()`] for an event that is sticky for so many milliseconds, at most
/// [`MAX_STICKY_MS`](crate::pdu::MAX_STICKY_MS).
///
/// # Errors
///
/// Those of [`build()`].
///
/// # Spec
///
/// [MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)
pub fn build_sticky(
    new: NewEvent,
    place: Place<'_>,
    state: &AuthState,
    server: &ServerName,
    key: &Ed25519KeyPair,
    sticky_ms: Option<u32>,
) -> Result<Pdu, BuildError> {
    let rules =
        rules(place.version).ok_or_else(|| BuildError::UnsupportedVersion(place.version.to_owned()))?;
    check_fields(&new, place)?;
    check_signers(&new, server)?;
    check_content(&new, place.version)?;

    let auth_events = cited(&new, rules, state)?;
    let mut object = to_object(new, place, auth_events, rules)?;
    if let Some(sticky_ms) = sticky_ms {
        let duration = (
            "duration_ms".to_owned(),
            Int::from(sticky_ms.min(MAX_STICKY_MS)).into(),
        );
        let sticky = CanonicalJsonObject::from_iter([duration]);
        object.insert("msc4354_sticky".to_owned(), sticky.into());
    }
    let pdu = complete(object, place, server, key, rules)?;
    authorize(&pdu, state, rules)?;
    Ok(pdu)
}

/// Hashes and signs what [`to_object`] made, computes the ids, and checks size and format.
fn complete(
    mut object: CanonicalJsonObject,
    place: Place<'_>,
    server: &ServerName,
    key: &Ed25519KeyPair,
    rules: &RoomVersionRules,
) -> Result<Pdu, BuildError> {
    hash_and_sign_event(server.as_str(), key, &mut object, &rules.redaction).map_err(not_hashable)?;
    let hash = reference_hash(&object, rules).map_err(not_hashable)?;
    let event_id = EventId::new_v2_or_v3(&hash).map_err(|e| BuildError::Place(e.to_string()))?;
    let room_id = match place.room_id {
        Some(room_id) => room_id.to_owned(),
        None => RoomId::new_v2(&hash).map_err(|e| BuildError::Place(e.to_string()))?,
    };

    let json = serde_json::to_string(&object).map_err(|e| BuildError::BadContent(e.to_string()))?;
    if json.len() > MAX_PDU_BYTES {
        return Err(BuildError::TooLarge {
            size_bytes: json.len(),
        });
    }
    check_format(&mut object, rules)?;
    let pdu = Pdu::from_stored(&room_id, &event_id, &json).map_err(|e| BuildError::Place(e.to_string()))?;
    Ok(pdu)
}

/// Builds an event for a room whose state isn't here: a membership that another server asked us to sign.
///
/// `auth_events` come from that server, so nothing is authorized; whoever has the room does that. Only
/// [`Template::sign`](crate::handshake::Template::sign) may call this, which makes nothing but memberships of our users.
pub(crate) fn build_elsewhere(
    new: NewEvent,
    place: Place<'_>,
    auth_events: Vec<OwnedEventId>,
    server: &ServerName,
    key: &Ed25519KeyPair,
) -> Result<Pdu, BuildError> {
    let rules =
        rules(place.version).ok_or_else(|| BuildError::UnsupportedVersion(place.version.to_owned()))?;
    check_fields(&new, place)?;
    if new.sender.server_name() != server {
        return Err(BuildError::NotOurUser(new.sender));
    }
    let object = to_object(new, place, auth_events, rules)?;
    complete(object, place, server, key, rules)
}

/// The event that somebody of another server would make, neither hashed nor signed. It is authorized as [`build()`] does.
///
/// Only [`offer()`](crate::handshake::offer()) may call this: what it answers is no event until that server signed it.
pub(crate) fn draft(
    new: NewEvent,
    place: Place<'_>,
    state: &AuthState,
) -> Result<CanonicalJsonObject, BuildError> {
    let rules =
        rules(place.version).ok_or_else(|| BuildError::UnsupportedVersion(place.version.to_owned()))?;
    check_fields(&new, place)?;
    let room_id = place
        .room_id
        .ok_or_else(|| BuildError::Place("a draft needs a room id".to_owned()))?;
    let auth_events = cited(&new, rules, state)?;
    let object = to_object(new, place, auth_events, rules)?;
    let json = serde_json::to_string(&object).map_err(|e| BuildError::BadContent(e.to_string()))?;
    // It has no id yet, and the rules ask for none.
    let no_id = EventId::parse("$draft").map_err(|e| BuildError::Place(e.to_string()))?;
    let pdu = Pdu::from_stored(room_id, &no_id, &json).map_err(|e| BuildError::Place(e.to_string()))?;
    authorize(&pdu, state, rules)?;
    Ok(object)
}

/// The ids of the state events that allow an event.
fn cited(
    new: &NewEvent,
    rules: &RoomVersionRules,
    state: &AuthState,
) -> Result<Vec<OwnedEventId>, BuildError> {
    let types = cited_types(new, rules)?;
    let cited = types.iter().filter_map(|key| state.get(key));
    Ok(cited.map(|pdu| pdu.event_id().to_owned()).collect())
}

/// Checks an event of this room against the authorization rules, with `state` both as its auth events and as
/// the state it meets.
fn authorize(pdu: &Pdu, state: &AuthState, rules: &RoomVersionRules) -> Result<(), BuildError> {
    let by_id = |id: &EventId| state.values().find(|pdu| pdu.event_id() == id).cloned();
    check_state_independent_auth_rules(&rules.authorization, pdu, by_id).map_err(BuildError::Forbidden)?;
    let by_key = |kind: &StateEventType, state_key: &str| look_up(state, kind, state_key);
    check_state_dependent_auth_rules(&rules.authorization, pdu, by_key).map_err(BuildError::Forbidden)
}

/// The state that the event's `auth_events` are chosen from.
fn cited_types(
    new: &NewEvent,
    rules: &RoomVersionRules,
) -> Result<Vec<(StateEventType, String)>, BuildError> {
    let content = match new.kind {
        TimelineEventType::RoomMember => {
            to_raw_value(&new.content).map_err(|e| BuildError::BadContent(e.to_string()))?
        }
        // Only the content of a membership event is read.
        _ => RawValue::NULL.to_owned(),
    };
    auth_types_for_event(
        &new.kind,
        &new.sender,
        new.state_key.as_deref(),
        &content,
        &rules.authorization,
    )
    .map_err(BuildError::BadContent)
}

fn check_fields(new: &NewEvent, place: Place<'_>) -> Result<(), BuildError> {
    let fields = [
        ("type", Some(new.kind.to_string())),
        ("state_key", new.state_key.clone()),
        ("sender", Some(new.sender.to_string())),
        ("room_id", place.room_id.map(ToString::to_string)),
    ];
    for (field, value) in fields {
        let Some(value) = value else { continue };
        if value.len() > MAX_FIELD_BYTES {
            return Err(BuildError::FieldTooLong {
                field,
                size_bytes: value.len(),
            });
        }
        check_text(&value).map_err(|e| BuildError::BadContent(format!("{field}: {e}")))?;
    }
    check_canonical_object(&new.content).map_err(|e| BuildError::BadContent(e.to_string()))
}

/// An event carries the signature of its sender's server, and a join by a restricted join rule that of the
/// authorizing user's server too. This key speaks for one server only.
fn check_signers(new: &NewEvent, server: &ServerName) -> Result<(), BuildError> {
    if new.sender.server_name() != server {
        return Err(BuildError::NotOurUser(new.sender.clone()));
    }
    let authorizer = new
        .content
        .get("join_authorised_via_users_server")
        .filter(|_| new.kind == TimelineEventType::RoomMember)
        .and_then(CanonicalJsonValue::as_str)
        .and_then(|user| UserId::parse(user).ok());
    match authorizer {
        Some(user) if user.server_name() != server => Err(BuildError::NotOurUser(user)),
        _ => Ok(()),
    }
}

/// What the authorization rules leave to the server that makes the event.
fn check_content(new: &NewEvent, version: &RoomVersionId) -> Result<(), BuildError> {
    let bad = |text: String| Err(BuildError::BadContent(text));
    match &new.kind {
        // Rule 1.3: "If content.room_version is present and is not a recognised version, reject."
        TimelineEventType::RoomCreate => {
            match new
                .content
                .get("room_version")
                .and_then(CanonicalJsonValue::as_str)
            {
                Some(named) if named == version.as_str() => Ok(()),
                _ => bad(format!("room_version of the create event is not {version}")),
            }
        }
        TimelineEventType::RoomRedaction => match (&new.redacts, new.content.get("redacts")) {
            (Some(id), Some(named)) if named.as_str() != Some(id.as_str()) => {
                bad("redacts names another event than the request".to_owned())
            }
            (Some(_), _) => Ok(()),
            (None, _) => bad("the redaction names no event".to_owned()),
        },
        // "If content.third_party_invite does not have a signed property, reject." ruma signs and hashes what isn't an
        // object as no other server does.
        TimelineEventType::RoomMember
            if new
                .content
                .get("third_party_invite")
                .is_some_and(|invite| !invite.is_object()) =>
        {
            bad("third_party_invite is not an object".to_owned())
        }
        _ if new.redacts.is_some() => bad(format!("{} redacts nothing", new.kind)),
        _ => Ok(()),
    }
}

/// The event in the format of its version, before hashes and signatures.
fn to_object(
    new: NewEvent,
    place: Place<'_>,
    auth_events: Vec<OwnedEventId>,
    rules: &RoomVersionRules,
) -> Result<CanonicalJsonObject, BuildError> {
    let is_create = new.kind == TimelineEventType::RoomCreate;
    let mut content = new.content;
    let mut object = CanonicalJsonObject::new();
    if let Some(id) = new.redacts {
        let holder = match rules.redaction.content_field_redacts {
            true => &mut content,
            false => &mut object,
        };
        holder.insert("redacts".to_owned(), id.to_string().into());
    }
    match place.room_id {
        Some(room_id) => {
            object.insert("room_id".to_owned(), room_id.to_string().into());
        }
        // "m.room.create events MUST NOT have a room_id field" (room version 12).
        None if is_create && !rules.event_format.require_room_create_room_id => {}
        None => return Err(BuildError::Place(format!("{} needs a room id", new.kind))),
    }
    if let Some(state_key) = new.state_key {
        object.insert("state_key".to_owned(), state_key.into());
    }
    let depth = i64::try_from(place.depth).unwrap_or(MAX_INTEGER).min(MAX_INTEGER);
    object.insert("type".to_owned(), new.kind.to_string().into());
    object.insert("sender".to_owned(), new.sender.to_string().into());
    object.insert("content".to_owned(), content.into());
    object.insert("origin_server_ts".to_owned(), new.origin_server_ts.get().into());
    object.insert("depth".to_owned(), Int::new_saturating(depth).into());
    object.insert("prev_events".to_owned(), to_array(place.prev_events));
    object.insert("auth_events".to_owned(), to_array(&auth_events));
    Ok(object)
}

fn to_array(ids: &[OwnedEventId]) -> CanonicalJsonValue {
    CanonicalJsonValue::Array(ids.iter().map(|id| id.to_string().into()).collect())
}

/// Has ruma check the format of everything around the content.
///
/// The content is set aside: it has been checked, and ruma counts one byte less than the specification allows
/// for the whole event.
fn check_format(object: &mut CanonicalJsonObject, rules: &RoomVersionRules) -> Result<(), BuildError> {
    object.remove("content");
    check_pdu_format(object, &rules.event_format).map_err(BuildError::Place)
}

/// Hashing fails for an event that is too large, before its size with signatures is known.
fn not_hashable(error: ruma::signatures::JsonError) -> BuildError {
    match error {
        ruma::signatures::JsonError::PduTooLarge => BuildError::TooLarge {
            size_bytes: MAX_PDU_BYTES + 1,
        },
        other => BuildError::BadContent(other.to_string()),
    }
}

/// The id of a room that isn't named by its create event.
///
/// `localpart` must be random; room version 12 rooms get their id from [`build()`].
///
/// # Errors
///
/// The localpart holds characters that room ids can't have.
pub fn room_id_before_v12(localpart: &str, server: &ServerName) -> Result<OwnedRoomId, BuildError> {
    RoomId::parse(format!("!{localpart}:{server}")).map_err(|e| BuildError::Place(e.to_string()))
}

#[cfg(test)]
mod tests;
