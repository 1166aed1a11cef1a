//! Invitations of users of other servers.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>

use std::sync::Arc;

use rohrpost_room::{
    Pdu,
    handshake::{HandedError, Handing, check_handed, check_invite_state},
    is_supported, stripped,
};
use rohrpost_store::StrippedState;
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomVersionId,
    api::federation::membership::RawStrippedState, events::room::member::MembershipState,
    signatures::PublicKeyMap,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{memberships::outside::Outside, server_keys::keys_at, verify::verify};
use crate::{Refusal, Result, Server, limits::Kind, personal::invite_permission};

/// Largest state that comes with an invitation, in bytes.
const MAX_STATE_BYTES: usize = 256 * 1024;
/// Events of it that are kept.
const MAX_STATE_EVENTS: usize = 50;

/// An invitation of another server.
pub struct Invitation {
    /// The server.
    pub origin: OwnedServerName,
    /// The room in the path.
    pub room_id: OwnedRoomId,
    /// The event id in the path.
    pub event_id: OwnedEventId,
    /// The room's version.
    pub version: RoomVersionId,
    /// The invitation.
    pub event: Box<RawValue>,
    /// What the invited user may know of the room.
    pub state: Vec<RawStrippedState>,
}

/// Takes an invitation for a user of this server: signs it, and shows it to them.
///
/// # Errors
/// `IncompatibleRoomVersion`; `BadJson`, `InvalidParam`, `MissingParam`, `Forbidden` when it isn't an invitation of that
/// server for somebody here; `InviteBlocked` when they take none; `LimitExceeded`.
pub async fn take(server: &Arc<Server>, invitation: Invitation) -> Result<Box<RawValue>> {
    if !is_supported(&invitation.version) {
        return Err(Refusal::IncompatibleRoomVersion(invitation.version));
    }
    server.limit(Kind::Invite, invitation.origin.as_str())?;
    let size: usize = invitation.state.iter().map(|event| json(event).len()).sum();
    if size > MAX_STATE_BYTES {
        return Err(Refusal::TooLarge(
            "the state with the invitation is too large".to_owned(),
        ));
    }
    let handing = Handing {
        room_id: &invitation.room_id,
        event_id: &invitation.event_id,
        version: &invitation.version,
        membership: MembershipState::Invite,
        origin: &invitation.origin,
        server: server.name(),
    };
    let handed = check_handed(invitation.event.get(), &handing).map_err(refused)?;
    let user_id = handed
        .event()
        .state_key()
        .and_then(|user| OwnedUserId::try_from(user).ok())
        .ok_or_else(|| Refusal::InvalidParam("nobody is invited".to_owned()))?;
    let texts: Vec<&str> = invitation.state.iter().map(json).collect();
    let state = check_invite_state(&texts, &invitation.room_id, &invitation.version);
    let state = state.map_err(|error| Refusal::MissingParam(error.to_string()))?;
    // "verify the signatures": what is whole must be right; what is stripped proves nothing, and is shown as told.
    let count = state.len();
    if verify(server, state).await?.len() < count && invitation.version == RoomVersionId::V12 {
        return Err(Refusal::Forbidden(
            "the state with the invitation is not signed as it must be".to_owned(),
        ));
    }
    let at_ts = i64::from(handed.event().origin_server_ts().0);
    let mut keys = PublicKeyMap::new();
    for signer in handed.signers() {
        let wanted = handed.event().key_ids(&signer);
        keys.insert(
            signer.to_string(),
            keys_at(server, &signer, &wanted, at_ts).await?,
        );
    }
    let received = handed.verify(&keys, &server.key).map_err(refused)?;
    may_be_invited(server, &user_id).await?;
    let event = Arc::new(received.pdu);
    let signed = to_raw_value(&event.to_object()?)?;
    let unit = Outside {
        server: Arc::clone(server),
        user_id,
        version: invitation.version,
        told: Some(StrippedState {
            events: stripped_events(&invitation.state, &event),
            via: invitation.origin.to_string(),
        }),
        event,
        is_ours: false,
    };
    // Where somebody here is in the room, the event comes by itself.
    server.store.write(unit).await?;
    Ok(signed)
}

/// Whether somebody is here and takes invitations.
async fn may_be_invited(server: &Arc<Server>, user_id: &OwnedUserId) -> Result<()> {
    let user_id = user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let user = tx.user_get(&user_id).await?;
            if user.is_none_or(|user| user.state != rohrpost_store::UserState::Active) {
                return Err(Refusal::Forbidden("this person can't be invited".to_owned()));
            }
            if tx.guest_is(&user_id).await? {
                return Err(Refusal::Forbidden("this person can't be invited".to_owned()));
            }
            invite_permission::check(tx, &user_id).await
        })
    });
    reading.await
}

fn json(event: &RawStrippedState) -> &str {
    match event {
        RawStrippedState::Pdu(event) => event.get(),
        #[expect(deprecated, reason = "older servers send it")]
        RawStrippedState::Stripped(event) => event.json().get(),
        _ => "{}",
    }
}

/// What clients are shown of a room elsewhere, with the event that says how they stand to it: a JSON array. What isn't
/// stripped state is left out.
pub(crate) fn stripped_events(state: &[RawStrippedState], own: &Pdu) -> String {
    #[derive(Deserialize, serde::Serialize)]
    struct Stripped<'a> {
        #[serde(rename = "type")]
        kind: String,
        state_key: String,
        sender: OwnedUserId,
        #[serde(borrow)]
        content: &'a RawValue,
    }
    let own_key = own.state_key().unwrap_or_default();
    let told = state.iter().take(MAX_STATE_EVENTS).map(json);
    let told = told.filter_map(|event| {
        // What PostgreSQL can't keep nobody needs to see.
        let event = serde_json::from_str::<Stripped<'_>>(event).ok()?;
        let is_own = event.kind == "m.room.member" && event.state_key == own_key;
        let is_object = event.content.get().starts_with('{');
        let text = serde_json::to_string(&event).ok()?;
        (is_object && !is_own && !text.contains("\\u0000")).then_some(text)
    });
    let own = stripped(own);
    let all: Vec<String> = told.chain([own.get().to_owned()]).collect();
    format!("[{}]", all.join(","))
}

fn refused(error: HandedError) -> Refusal {
    match error {
        HandedError::Malformed(_) => Refusal::BadJson(error.to_string()),
        HandedError::NotOfOrigin | HandedError::Signature(_) | HandedError::Altered => {
            Refusal::Forbidden(error.to_string())
        }
        _ => Refusal::InvalidParam(error.to_string()),
    }
}
