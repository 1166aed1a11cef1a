//! `createRoom` as data: the events of a new room, in the order they are sent.
//!
//! Nothing is built or signed here. The caller makes each [`NewEventTemplate`] a
//! [`NewEvent`] and sends them one after the other through
//! [`build()`](crate::build::build), whose authorization rules have the last word. Aliases, invitations to
//! other servers and the room directory are the caller's work. Start with [`create_room`].

use std::collections::BTreeSet;
use std::fmt;

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue, to_canonical_value};
use ruma::events::room::canonical_alias::RoomCanonicalAliasEventContent;
use ruma::events::room::encryption::RoomEncryptionEventContent;
use ruma::events::room::guest_access::{GuestAccess, RoomGuestAccessEventContent};
use ruma::events::room::history_visibility::{HistoryVisibility, RoomHistoryVisibilityEventContent};
use ruma::events::room::join_rules::{JoinRule, RoomJoinRulesEventContent};
use ruma::events::room::member::{MembershipState, RoomMemberEventContent};
use ruma::events::room::name::RoomNameEventContent;
use ruma::events::room::topic::RoomTopicEventContent;
use ruma::events::{AnyStateEventContent, EventContentFromType, TimelineEventType};
use ruma::{
    EventEncryptionAlgorithm, MilliSecondsSinceUnixEpoch, OwnedMxcUri, OwnedRoomAliasId, OwnedUserId,
    RoomVersionId,
};
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::build::NewEvent;
use crate::policy::{Encryption, PolicyRefusal, check_encryption};
use crate::version::rules;

mod create_event;
mod power_levels;

/// The key of the random value that makes the id of a version 12 room unique.
pub const NONCE_KEY: &str = "de.rohrpost.nonce";

/// The shortest nonce that is taken, in characters.
pub const MIN_NONCE_CHARS: usize = 16;

/// Which defaults the new room starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// By invitation.
    PrivateChat,
    /// By invitation, and everyone invited has the power of the creator.
    TrustedPrivateChat,
    /// Open to everyone.
    PublicChat,
}

/// A member of the new room, with the profile that goes into the membership event.
#[derive(Clone)]
pub struct Person {
    /// The user.
    pub user_id: OwnedUserId,
    /// The user's display name.
    pub displayname: Option<String>,
    /// The user's picture.
    pub avatar_url: Option<OwnedMxcUri>,
}

/// A state event of the new room, before it has a sender, a time and a place.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEventTemplate {
    /// The event's `type`.
    pub kind: TimelineEventType,
    /// The state key.
    pub state_key: String,
    /// The content.
    pub content: CanonicalJsonObject,
}

impl NewEventTemplate {
    /// Whether it may stand in the `initial_state` of a new room.
    pub fn is_initial_state(&self) -> bool {
        check_initial_state(self).is_ok()
    }

    /// The event for [`build()`](crate::build::build).
    pub fn into_event(self, sender: OwnedUserId, origin_server_ts: MilliSecondsSinceUnixEpoch) -> NewEvent {
        let Self {
            kind,
            state_key,
            content,
        } = self;
        NewEvent {
            kind,
            state_key: Some(state_key),
            content,
            sender,
            redacts: None,
            origin_server_ts,
        }
    }
}

/// What the creator asked for, and what the server adds to it.
///
/// # Spec
///
/// [`POST /createRoom`](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom)
#[derive(Clone)]
pub struct CreateRoom {
    /// The room's version.
    pub version: RoomVersionId,
    /// The defaults to start with.
    pub preset: Preset,
    /// Who creates the room.
    pub creator: Person,
    /// Who is invited, in order. Listed twice is invited once.
    pub invite: Vec<Person>,
    /// Whether the invitations are to a direct chat.
    pub is_direct: bool,
    /// The room's name.
    pub name: Option<String>,
    /// The room's topic.
    pub topic: Option<String>,
    /// The room's main address, which the caller has reserved.
    pub alias: Option<OwnedRoomAliasId>,
    /// Further keys of the create event.
    pub creation_content: CanonicalJsonObject,
    /// Further state, in order.
    pub initial_state: Vec<NewEventTemplate>,
    /// Put over the default power levels.
    pub power_level_content_override: CanonicalJsonObject,
    /// The server's encryption policy.
    pub encryption: Encryption,
    /// At least [`MIN_NONCE_CHARS`] random characters. Used by version 12, where two equal create events would
    /// be the same room.
    pub nonce: String,
}

/// Without names, topics and contents, which have no place in a log.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewEventTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEventTemplate")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CreateRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateRoom")
            .field("version", &self.version)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}

/// Why a room can't be created as asked.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The room version isn't supported.
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// The nonce is too short to make the room id unique.
    #[error("nonce of a room has less than {MIN_NONCE_CHARS} characters")]
    ShortNonce,
    /// `creation_content` isn't the content of a create event.
    #[error("creation_content is not valid: {0}")]
    CreationContent(String),
    /// An event of `initial_state` doesn't have the content of its type, or isn't the creator's to set.
    #[error("initial_state {kind} is not valid: {reason}")]
    InitialState {
        /// The event's type.
        kind: TimelineEventType,
        /// What is wrong with it.
        reason: String,
    },
    /// The power levels with the overrides aren't power levels, or list a creator of a version 12 room.
    #[error("power_level_content_override is not valid: {0}")]
    PowerLevels(String),
    /// A name, topic or profile that no event can carry.
    #[error("{0} can't be written into an event")]
    Text(&'static str),
    /// The encryption that was asked for is weaker than the server's policy.
    #[error("initial_state m.room.encryption is refused: {0}")]
    Encryption(#[from] PolicyRefusal),
}

/// The events of the new room, in the order the specification gives.
///
/// The creator sends them all; the first is the create event.
///
/// # Errors
///
/// The request doesn't make a room; see [`CreateError`].
pub fn create_room(request: CreateRoom) -> Result<Vec<NewEventTemplate>, CreateError> {
    let rules =
        rules(&request.version).ok_or_else(|| CreateError::UnsupportedVersion(request.version.clone()))?;
    for event in &request.initial_state {
        check_initial_state(event)?;
    }
    let create = create_event::content(&request, rules)?;
    let is_space = create.get("type").and_then(CanonicalJsonValue::as_str) == Some("m.space");
    let creators = create_event::creators(&request.creator.user_id, &create);

    let mut events = vec![
        state(TimelineEventType::RoomCreate, create),
        member(&request.creator, MembershipState::Join, false)?,
        state(
            TimelineEventType::RoomPowerLevels,
            power_levels::content(&request, &creators, rules)?,
        ),
    ];
    if let Some(alias) = request.alias.clone() {
        let mut content = RoomCanonicalAliasEventContent::new();
        content.alias = Some(alias);
        events.push(state(
            TimelineEventType::RoomCanonicalAlias,
            to_object(&content, "alias")?,
        ));
    }
    events.extend(preset_events(&request)?);
    events.extend(
        request
            .initial_state
            .iter()
            .filter(|event| is_kept(event, &request))
            .cloned(),
    );
    events.extend(encryption_event(&request, is_space)?);
    if let Some(name) = request.name {
        let content = to_object(&RoomNameEventContent::new(name), "name")?;
        events.push(state(TimelineEventType::RoomName, content));
    }
    if let Some(topic) = request.topic {
        let content = to_object(&RoomTopicEventContent::new(topic), "topic")?;
        events.push(state(TimelineEventType::RoomTopic, content));
    }
    let mut invited = BTreeSet::new();
    for person in request
        .invite
        .iter()
        .filter(|person| invited.insert(&person.user_id))
    {
        events.push(member(person, MembershipState::Invite, request.is_direct)?);
    }
    Ok(events)
}

/// The preset's events that `initial_state` doesn't set itself.
fn preset_events(request: &CreateRoom) -> Result<Vec<NewEventTemplate>, CreateError> {
    let (join_rule, guest_access) = match request.preset {
        Preset::PrivateChat | Preset::TrustedPrivateChat => (JoinRule::Invite, GuestAccess::CanJoin),
        Preset::PublicChat => (JoinRule::Public, GuestAccess::Forbidden),
    };
    let visibility = HistoryVisibility::Shared;
    let events = [
        state(
            TimelineEventType::RoomJoinRules,
            to_object(&RoomJoinRulesEventContent::new(join_rule), "preset")?,
        ),
        state(
            TimelineEventType::RoomHistoryVisibility,
            to_object(&RoomHistoryVisibilityEventContent::new(visibility), "preset")?,
        ),
        state(
            TimelineEventType::RoomGuestAccess,
            to_object(&RoomGuestAccessEventContent::new(guest_access), "preset")?,
        ),
    ];
    Ok(events
        .into_iter()
        .filter(|event| !is_given(request, &event.kind))
        .collect())
}

/// The encryption event that the policy adds, if the request has none of its own.
fn encryption_event(request: &CreateRoom, is_space: bool) -> Result<Option<NewEventTemplate>, CreateError> {
    let kind = TimelineEventType::RoomEncryption;
    let given = request
        .initial_state
        .iter()
        .find(|event| event.kind == kind && event.state_key.is_empty());
    if let Some(given) = given {
        if request.encryption == Encryption::Required {
            check_encryption(None, &given.content)?;
        }
        return Ok(None);
    }
    let wanted = match request.encryption {
        // A space holds no messages, and its members need to read its state.
        _ if is_space => false,
        Encryption::Required => true,
        Encryption::Default => request.preset != Preset::PublicChat,
        Encryption::Optional => false,
    };
    if !wanted {
        return Ok(None);
    }
    let content = RoomEncryptionEventContent::new(EventEncryptionAlgorithm::MegolmV1AesSha2);
    Ok(Some(state(kind, to_object(&content, "encryption")?)))
}

/// Whether an event of `initial_state` is sent where it stands: power levels have their own place, and the
/// `name` and `topic` of the request override it.
fn is_kept(event: &NewEventTemplate, request: &CreateRoom) -> bool {
    match event.kind {
        _ if !event.state_key.is_empty() => true,
        TimelineEventType::RoomPowerLevels => false,
        TimelineEventType::RoomName => request.name.is_none(),
        TimelineEventType::RoomTopic => request.topic.is_none(),
        _ => true,
    }
}

fn is_given(request: &CreateRoom, kind: &TimelineEventType) -> bool {
    request
        .initial_state
        .iter()
        .any(|event| event.kind == *kind && event.state_key.is_empty())
}

fn check_initial_state(event: &NewEventTemplate) -> Result<(), CreateError> {
    let refuse = |reason: String| {
        Err(CreateError::InitialState {
            kind: event.kind.clone(),
            reason,
        })
    };
    match &event.kind {
        TimelineEventType::RoomCreate => refuse("use creation_content instead".to_owned()),
        TimelineEventType::RoomMember => refuse("use invite instead".to_owned()),
        kind => check_content(kind, &event.content).or_else(refuse),
    }
}

/// Whether the content has the form of its event type. Types that ruma doesn't know take any content.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_content(kind: &TimelineEventType, content: &CanonicalJsonObject) -> Result<(), String> {
    let content = to_raw_value(content).map_err(|e| e.to_string())?;
    AnyStateEventContent::from_parts(&kind.to_string(), &content)
        .map(|_| ())
        .map_err(|e| e.to_string())
}

fn state(kind: TimelineEventType, content: CanonicalJsonObject) -> NewEventTemplate {
    NewEventTemplate {
        kind,
        state_key: String::new(),
        content,
    }
}

fn member(
    person: &Person,
    membership: MembershipState,
    is_direct: bool,
) -> Result<NewEventTemplate, CreateError> {
    let mut content = RoomMemberEventContent::new(membership);
    content.displayname.clone_from(&person.displayname);
    content.avatar_url.clone_from(&person.avatar_url);
    content.is_direct = is_direct.then_some(true);
    Ok(NewEventTemplate {
        kind: TimelineEventType::RoomMember,
        state_key: person.user_id.to_string(),
        content: to_object(&content, "profile")?,
    })
}

fn to_object(content: &impl Serialize, what: &'static str) -> Result<CanonicalJsonObject, CreateError> {
    match to_canonical_value(content) {
        Ok(CanonicalJsonValue::Object(object)) => Ok(object),
        _ => Err(CreateError::Text(what)),
    }
}

#[cfg(test)]
mod tests;
