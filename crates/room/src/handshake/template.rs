//! Templates of `make_join`, `make_leave` and `make_knock`: what we take from them, and the event we make.

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::TimelineEventType;
use ruma::signatures::Ed25519KeyPair;
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    ServerName, UserId,
};

use crate::build::{BuildError, NewEvent, Place, build_elsewhere};
use crate::pdu::Pdu;
use crate::receive::{self, MAX_AUTH_EVENTS, MAX_PREV_EVENTS, is_event_id};
use crate::version::is_supported;

/// What content keys of our own may go into such an event, besides the membership.
const OWN_CONTENT: [&str; 3] = ["avatar_url", "displayname", "reason"];

/// What our user wants, which the template must be for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The room.
    pub room_id: &'a RoomId,
    /// Our user.
    pub user: &'a UserId,
    /// What the user wants to be.
    pub membership: AskedMembership,
    /// The server that was asked.
    pub resident: &'a ServerName,
    /// The room's version if it is known already, as from an invite.
    pub version: Option<&'a RoomVersionId>,
}

/// The memberships that there are templates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedMembership {
    /// `make_join`.
    Join,
    /// `make_knock`.
    Knock,
    /// `make_leave`.
    Leave,
}

impl AskedMembership {
    /// The value of `membership`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Knock => "knock",
            Self::Leave => "leave",
        }
    }
}

/// All that we take from a template: where in the room the event goes. Can be had from [`check_template`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    version: RoomVersionId,
    room_id: OwnedRoomId,
    user: OwnedUserId,
    membership: &'static str,
    prev_events: Vec<OwnedEventId>,
    auth_events: Vec<OwnedEventId>,
    depth: u64,
    authorizer: Option<OwnedUserId>,
}

/// Why a template is refused: "the response MUST be treated as malformed and discarded".
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The room version isn't named, not supported, another than the room's, or doesn't go with the room's id.
    #[error("template is for a room version that can't be")]
    Version,
    /// Not canonical JSON.
    #[error("template is not canonical JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A field doesn't have the value that was asked for.
    #[error("{0} of the template is not what was asked for")]
    NotAsAsked(&'static str),
    /// A field is missing or has no value that an event may have.
    #[error("{0} of the template can't be used")]
    Unusable(&'static str),
    /// `join_authorised_via_users_server` is there where it has no place, or isn't a user of the server that was
    /// asked: "An arbitrary user ID belonging to the resident server in the room being joined".
    #[error("template has the join authorized by somebody else than a user of the server asked")]
    Authorizer,
}

/// Checks the `event` of a template and the `room_version` beside it, as the server that was asked answered them.
///
/// "Before signing the returned template ..., the sending server MUST verify that the room_id is equal to the roomId
/// path parameter, both the sender and state_key are equal to the userId path parameter, the type of the event is
/// m.room.member, [and] the membership field inside content is join." Whatever else it holds is left behind.
///
/// # Errors
///
/// The answer must be discarded; see [`TemplateError`]. Another server may be asked.
///
/// # Spec
///
/// [`GET /make_join`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid)
pub fn check_template(
    event: &str,
    room_version: Option<&RoomVersionId>,
    ask: Ask<'_>,
) -> Result<Template, TemplateError> {
    let version = check_version(room_version, ask)?;
    let object = receive::json::read(event)?;
    let content = object
        .get("content")
        .and_then(CanonicalJsonValue::as_object)
        .ok_or(TemplateError::Unusable("content"))?;
    let asked = [
        ("room_id", &object, ask.room_id.as_str()),
        ("type", &object, "m.room.member"),
        ("sender", &object, ask.user.as_str()),
        ("state_key", &object, ask.user.as_str()),
        ("membership", content, ask.membership.as_str()),
    ];
    for (field, holder, expected) in asked {
        if holder.get(field).and_then(CanonicalJsonValue::as_str) != Some(expected) {
            return Err(TemplateError::NotAsAsked(field));
        }
    }
    let prev_events = ids(&object, "prev_events", MAX_PREV_EVENTS)?;
    if prev_events.is_empty() {
        return Err(TemplateError::Unusable("prev_events"));
    }
    Ok(Template {
        version,
        room_id: ask.room_id.to_owned(),
        user: ask.user.to_owned(),
        membership: ask.membership.as_str(),
        prev_events,
        auth_events: ids(&object, "auth_events", MAX_AUTH_EVENTS)?,
        depth: depth(&object)?,
        authorizer: authorizer(content, ask)?,
    })
}

impl Template {
    /// The room's version.
    pub fn version(&self) -> &RoomVersionId {
        &self.version
    }

    /// The user of the server asked who authorizes the join; that server must sign the event too.
    pub fn authorizer(&self) -> Option<&UserId> {
        self.authorizer.as_deref()
    }

    /// Builds and signs the event: a membership of our user, put together field by field.
    ///
    /// `own` may hold `displayname`, `avatar_url` and `reason`; everything else in it is left out.
    ///
    /// # Errors
    ///
    /// The user isn't one of this server, or the event would be too large; see [`BuildError`].
    pub fn sign(
        self,
        own: CanonicalJsonObject,
        origin_server_ts: MilliSecondsSinceUnixEpoch,
        server: &ServerName,
        key: &Ed25519KeyPair,
    ) -> Result<Pdu, BuildError> {
        let mut content: CanonicalJsonObject = own
            .into_iter()
            .filter(|(key, _)| OWN_CONTENT.contains(&key.as_str()))
            .collect();
        content.insert("membership".to_owned(), self.membership.to_owned().into());
        if let Some(user) = &self.authorizer {
            content.insert(
                "join_authorised_via_users_server".to_owned(),
                user.to_string().into(),
            );
        }
        let new = NewEvent {
            kind: TimelineEventType::RoomMember,
            state_key: Some(self.user.to_string()),
            content,
            sender: self.user,
            redacts: None,
            origin_server_ts,
        };
        let place = Place {
            version: &self.version,
            room_id: Some(&self.room_id),
            prev_events: &self.prev_events,
            depth: self.depth,
        };
        build_elsewhere(new, place, self.auth_events, server, key)
    }
}

/// "If not provided, the room version is assumed to be either 1 or 2", which aren't supported. The version decides what
/// a signature covers, so a wrong one must not get as far as that.
fn check_version(room_version: Option<&RoomVersionId>, ask: Ask<'_>) -> Result<RoomVersionId, TemplateError> {
    let version = room_version
        .filter(|version| is_supported(version))
        .filter(|version| ask.version.is_none_or(|known| known == *version))
        .ok_or(TemplateError::Version)?;
    // Room ids have a server name up to version 11 and none since.
    let names_server = ask.room_id.server_name().is_some();
    match names_server == (*version != RoomVersionId::V12) {
        true => Ok(version.to_owned()),
        false => Err(TemplateError::Version),
    }
}

fn ids(
    object: &CanonicalJsonObject,
    field: &'static str,
    max: usize,
) -> Result<Vec<OwnedEventId>, TemplateError> {
    let unusable = || TemplateError::Unusable(field);
    let ids = object
        .get(field)
        .and_then(CanonicalJsonValue::as_array)
        .filter(|ids| ids.len() <= max)
        .ok_or_else(unusable)?;
    ids.iter()
        .map(|id| {
            let id = id.as_str().filter(|id| is_event_id(id)).ok_or_else(unusable)?;
            EventId::parse(id).map_err(|_| unusable())
        })
        .collect()
}

fn depth(object: &CanonicalJsonObject) -> Result<u64, TemplateError> {
    object
        .get("depth")
        .and_then(CanonicalJsonValue::as_integer)
        .and_then(|depth| u64::try_from(i64::from(depth)).ok())
        .ok_or(TemplateError::Unusable("depth"))
}

fn authorizer(content: &CanonicalJsonObject, ask: Ask<'_>) -> Result<Option<OwnedUserId>, TemplateError> {
    let Some(value) = content.get("join_authorised_via_users_server") else {
        return Ok(None);
    };
    value
        .as_str()
        .and_then(|user| UserId::parse(user).ok())
        .filter(|user| ask.membership == AskedMembership::Join && user.server_name() == ask.resident)
        .map(Some)
        .ok_or(TemplateError::Authorizer)
}

#[cfg(test)]
mod tests;
