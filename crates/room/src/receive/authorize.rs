//! Checks 4 to 6: whether the authorization rules allow an event, by its auth events and by states.
//!
//! The rules are ruma's. What is added are reasons for what is wrong with auth events, and the few sentences of
//! the specification that ruma leaves to its caller or reads too generously ([`check_left_out`]).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use ruma::events::{StateEventType, TimelineEventType};
use ruma::room_version_rules::{AuthorizationRules, RoomVersionRules};
use ruma::state_res::{
    auth_types_for_event, check_state_dependent_auth_rules, check_state_independent_auth_rules,
};
use ruma::{EventId, OwnedEventId, RoomVersionId, UserId};
use serde::Deserialize;

use crate::build::AuthState;
use crate::join_rule::look_up;
use crate::pdu::Pdu;
use crate::version::rules;

/// Why the authorization rules refuse an event. Named after the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The room version isn't one of [`SUPPORTED`](crate::version::SUPPORTED), so there are no rules to allow it.
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// "If there are duplicate entries for a given type and state_key pair, reject."
    #[error("auth event {0} is for the same type and state key as another")]
    DuplicateAuthEvent(OwnedEventId),
    /// "If there are entries whose type and state_key don't match those specified by the auth events selection
    /// algorithm ..., reject." A message is such an entry.
    #[error("auth event {0} isn't one that allows such an event")]
    UnneededAuthEvent(OwnedEventId),
    /// "If there are entries which were themselves rejected under the checks performed on receipt of a PDU, reject."
    #[error("auth event {0} was rejected")]
    RejectedAuthEvent(OwnedEventId),
    /// "If any event in auth_events has a room_id which does not match that of the event being authorised, reject."
    #[error("auth event {0} belongs to another room")]
    AuthEventOfOtherRoom(OwnedEventId),
    /// "If there is no m.room.create event among the entries, reject." In version 12: "If the event's room_id is not
    /// an event ID for an accepted (not rejected) m.room.create event, ..., reject."
    #[error("no accepted create event allows the event")]
    NoCreateEvent,
    /// "If content.room_version is present and is not a recognised version, reject", and of another version than
    /// the room is known to have.
    #[error("create event is for another room version")]
    OtherVersion,
    /// "If the event is not validly signed by the homeserver of the user ID denoted by the key, reject": it denotes
    /// none.
    #[error("join_authorised_via_users_server is not a user id")]
    NoAuthorizer,
    /// "If content.third_party_invite does not have a signed property, reject."
    #[error("third_party_invite has no signed property")]
    ThirdPartyInviteUnsigned,
    /// Any other rule; the text says which.
    #[error("{0}")]
    Rule(String),
}

/// Why the state that an event's auth events make isn't there.
#[derive(Debug, thiserror::Error)]
pub enum AuthEventsError {
    /// These auth events aren't known. Nothing is decided: they must be fetched first. If nobody has them, the
    /// event can't be allowed, and must be dropped rather than rejected, because they may come later.
    #[error("{} auth events are missing", .0.len())]
    Missing(Vec<OwnedEventId>),
    /// The event must be rejected.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What becomes of a signed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is an event of the room like any other.
    Accept,
    /// "Passes authorisation rules based on the current state of the room, otherwise it is soft failed": not told to
    /// clients, no forward extremity, else handled as usual.
    SoftFail(Refusal),
    /// "Passes authorisation rules based on the event's auth events [and] based on the state before the event,
    /// otherwise it is rejected": kept with that mark, not told to clients, and no part of any state.
    Reject(Against, Refusal),
}

/// What an event was checked against when it was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The event's own auth events.
    AuthEvents,
    /// The state before the event.
    StateBefore,
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthEvents => "its auth events",
            Self::StateBefore => "the state before it",
        })
    }
}

/// Which part of a state [`judge`] needs for the event: what it may be allowed by, and the create event.
///
/// # Errors
///
/// The event's content says too little; it must be rejected.
///
/// # Spec
///
/// [Auth events selection](https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection)
pub fn needed_state(
    pdu: &Pdu,
    version: &RoomVersionId,
) -> Result<BTreeSet<(StateEventType, String)>, Refusal> {
    let mut needed: BTreeSet<_> = selected(pdu, &known(version)?.authorization)?
        .into_iter()
        .collect();
    if *pdu.kind() != TimelineEventType::RoomCreate {
        needed.insert(create_key());
    }
    Ok(needed)
}

/// The state that the event's own auth events make, if they may be its auth events at all.
///
/// `fetch` gives events of any room by their id, rejected ones marked as such. In version 12 it is asked for the
/// create event too, which no event names.
///
/// # Errors
///
/// Some aren't known, or the event must be rejected; see [`AuthEventsError`].
///
/// # Spec
///
/// [Authorization rules](https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules), 1 to 3
pub fn auth_state(
    pdu: &Pdu,
    version: &RoomVersionId,
    fetch: impl Fn(&EventId) -> Option<Arc<Pdu>>,
) -> Result<AuthState, AuthEventsError> {
    let rules = known(version)?;
    check_left_out(pdu, version)?;
    let mut state = AuthState::new();
    if *pdu.kind() != TimelineEventType::RoomCreate {
        let found = fetch_all(pdu, rules, &fetch)?;
        state = check_auth_events(pdu, &rules.authorization, found)?;
    }
    // Whatever was forgotten here, ruma has the last word.
    check_state_independent_auth_rules(&rules.authorization, pdu, |id| fetch(id)).map_err(Refusal::Rule)?;
    Ok(state)
}

/// Whether a state allows an event.
///
/// The state must hold what [`needed_state`] names, as far as there is any. Rejected events in it allow nothing.
///
/// # Errors
///
/// The rule that refuses the event.
///
/// # Spec
///
/// [Authorization rules](https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules), 4 to 11
pub fn allowed_by(pdu: &Pdu, version: &RoomVersionId, state: &AuthState) -> Result<(), Refusal> {
    let rules = known(version)?;
    check_left_out(pdu, version)?;
    let by_key = |kind: &StateEventType, key: &str| look_up(state, kind, key);
    check_state_dependent_auth_rules(&rules.authorization, pdu, by_key).map_err(Refusal::Rule)
}

/// Judges a signed event whose auth events are in order.
///
/// `auth` comes from [`auth_state`]; `before` is the state before the event; `current` the room's current state, or
/// `None` for an event that is no news: of a backfill, or of the state that was handed over with a join. Of each,
/// only [`needed_state`] is looked at.
///
/// # Spec
///
/// [Rejection](https://spec.matrix.org/v1.19/server-server-api/#rejection),
/// [soft failure](https://spec.matrix.org/v1.19/server-server-api/#soft-failure)
pub fn judge(
    pdu: &Pdu,
    version: &RoomVersionId,
    auth: &AuthState,
    before: &AuthState,
    current: Option<&AuthState>,
) -> Verdict {
    if let Err(refusal) = allowed_by(pdu, version, auth) {
        return Verdict::Reject(Against::AuthEvents, refusal);
    }
    if let Err(refusal) = allowed_by(pdu, version, before) {
        return Verdict::Reject(Against::StateBefore, refusal);
    }
    match current.map(|state| allowed_by(pdu, version, state)) {
        Some(Err(refusal)) => Verdict::SoftFail(refusal),
        Some(Ok(())) | None => Verdict::Accept,
    }
}

fn known(version: &RoomVersionId) -> Result<&'static RoomVersionRules, Refusal> {
    rules(version).ok_or_else(|| Refusal::UnsupportedVersion(version.to_owned()))
}

fn create_key() -> (StateEventType, String) {
    (StateEventType::RoomCreate, String::new())
}

fn selected(pdu: &Pdu, rules: &AuthorizationRules) -> Result<Vec<(StateEventType, String)>, Refusal> {
    auth_types_for_event(pdu.kind(), pdu.sender(), pdu.state_key(), pdu.content(), rules)
        .map_err(Refusal::Rule)
}

/// The auth events, and in version 12 the create event, whose id is the room's: first of all they must be there.
fn fetch_all(
    pdu: &Pdu,
    rules: &RoomVersionRules,
    fetch: impl Fn(&EventId) -> Option<Arc<Pdu>>,
) -> Result<Vec<Arc<Pdu>>, AuthEventsError> {
    let mut ids = pdu.auth_events().to_vec();
    if rules.authorization.room_create_event_id_as_room_id {
        let create = EventId::parse(format!("${}", pdu.room_id().strip_sigil()));
        ids.push(create.map_err(|_| Refusal::NoCreateEvent)?);
    }
    let mut found = Vec::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match fetch(&id) {
            Some(pdu) => found.push(pdu),
            None => missing.push(id),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(AuthEventsError::Missing(missing)),
    }
}

/// "Considering the event's auth_events".
fn check_auth_events(
    pdu: &Pdu,
    rules: &AuthorizationRules,
    found: Vec<Arc<Pdu>>,
) -> Result<AuthState, Refusal> {
    let mut expected: BTreeSet<_> = selected(pdu, rules)?.into_iter().collect();
    if rules.room_create_event_id_as_room_id {
        expected.insert(create_key());
    }
    let mut state = AuthState::new();
    for auth_event in found {
        let id = auth_event.event_id().to_owned();
        if auth_event.room_id() != pdu.room_id() {
            return Err(Refusal::AuthEventOfOtherRoom(id));
        }
        if auth_event.is_rejected() {
            return Err(Refusal::RejectedAuthEvent(id));
        }
        let Some(state_key) = auth_event.state_key() else {
            return Err(Refusal::UnneededAuthEvent(id));
        };
        let key = (
            StateEventType::from(auth_event.kind().to_string()),
            state_key.to_owned(),
        );
        if !expected.contains(&key) {
            return Err(Refusal::UnneededAuthEvent(id));
        }
        if state.insert(key, auth_event).is_some() {
            return Err(Refusal::DuplicateAuthEvent(id));
        }
    }
    match state.contains_key(&create_key()) {
        true => Ok(state),
        false => Err(Refusal::NoCreateEvent),
    }
}

/// What the rules say and ruma doesn't check.
fn check_left_out(pdu: &Pdu, version: &RoomVersionId) -> Result<(), Refusal> {
    match pdu.kind() {
        TimelineEventType::RoomCreate => check_create(pdu, version),
        TimelineEventType::RoomMember => check_member(pdu),
        _ => Ok(()),
    }
}

fn check_create(pdu: &Pdu, version: &RoomVersionId) -> Result<(), Refusal> {
    // "The version of the room. Defaults to "1" if the key does not exist."
    #[derive(Deserialize)]
    struct Create {
        room_version: String,
    }
    let named = pdu.content_as::<Create>().ok().map(|create| create.room_version);
    match named.as_deref() == Some(version.as_str()) {
        true => Ok(()),
        false => Err(Refusal::OtherVersion),
    }
}

fn check_member(pdu: &Pdu) -> Result<(), Refusal> {
    // A property that is `null` is there, which an `Option` doesn't tell.
    let Ok(content) = pdu.content_as::<serde_json::Map<String, serde_json::Value>>() else {
        return Ok(());
    };
    if let Some(authorizer) = content.get("join_authorised_via_users_server") {
        let is_user = authorizer
            .as_str()
            .is_some_and(|user| UserId::parse(user).is_ok());
        if !is_user {
            return Err(Refusal::NoAuthorizer);
        }
    }
    let is_invite = content
        .get("membership")
        .is_some_and(|membership| membership == "invite");
    match content.get("third_party_invite") {
        Some(invite) if is_invite && !invite.is_object() => Err(Refusal::ThirdPartyInviteUnsigned),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
