//! The create event of a new room.
//!
//! What the creator asks for stands beside what only the server may say: the version, the creator and the nonce.
//! Start with [`content`].

use std::collections::BTreeSet;

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::events::TimelineEventType;
use ruma::room_version_rules::RoomVersionRules;
use ruma::{OwnedUserId, UserId};

use super::{CreateError, CreateRoom, MIN_NONCE_CHARS, NONCE_KEY, Preset, check_content};

/// The content of the create event: the request's, with what is the server's to say.
pub(super) fn content(
    request: &CreateRoom,
    rules: &RoomVersionRules,
) -> Result<CanonicalJsonObject, CreateError> {
    let mut content = request.creation_content.clone();
    content.insert("room_version".to_owned(), request.version.to_string().into());
    content.remove("creator");
    if !rules.authorization.use_room_create_sender {
        content.insert("creator".to_owned(), request.creator.user_id.to_string().into());
    }
    if rules.authorization.room_create_event_id_as_room_id {
        if request.nonce.chars().count() < MIN_NONCE_CHARS {
            return Err(CreateError::ShortNonce);
        }
        content.insert(NONCE_KEY.to_owned(), request.nonce.clone().into());
    }
    if rules.authorization.additional_room_creators {
        let creators = additional_creators(request)?;
        match creators.is_empty() {
            true => content.remove("additional_creators"),
            false => content.insert(
                "additional_creators".to_owned(),
                CanonicalJsonValue::Array(creators.iter().map(|user| user.to_string().into()).collect()),
            ),
        };
    }
    check_content(&TimelineEventType::RoomCreate, &content).map_err(CreateError::CreationContent)?;
    Ok(content)
}

/// "the server SHOULD combine additional_creators specified here and the invite array into the eventual
/// m.room.create event's additional_creators, deduplicating between the two parameters."
fn additional_creators(request: &CreateRoom) -> Result<Vec<OwnedUserId>, CreateError> {
    let bad = || CreateError::CreationContent("additional_creators must be a list of user ids".to_owned());
    let mut creators = Vec::new();
    if let Some(given) = request.creation_content.get("additional_creators") {
        for user in given.as_array().ok_or_else(bad)? {
            creators.push(UserId::parse(user.as_str().ok_or_else(bad)?).map_err(|_| bad())?);
        }
    }
    if request.preset == Preset::TrustedPrivateChat {
        creators.extend(request.invite.iter().map(|person| person.user_id.clone()));
    }
    let mut seen = BTreeSet::from([request.creator.user_id.clone()]);
    creators.retain(|user| seen.insert(user.clone()));
    Ok(creators)
}

/// The creator and the additional creators of the create event.
pub(super) fn creators(creator: &UserId, create: &CanonicalJsonObject) -> BTreeSet<String> {
    create
        .get("additional_creators")
        .and_then(CanonicalJsonValue::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|user| user.as_str().map(ToOwned::to_owned))
        .chain([creator.to_string()])
        .collect()
}
