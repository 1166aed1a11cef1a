//! Memberships that another server hands us finished: `send_join`, `send_knock`, `send_leave` and `invite`.

use ruma::events::room::member::MembershipState;
use ruma::signatures::{Ed25519KeyPair, PublicKeyMap};
use ruma::{EventId, OwnedServerName, RoomId, RoomVersionId, ServerName, UserId};

use crate::receive::{Kept, Malformed, Received, SignatureError, Unverified, read};

/// What an endpoint was called for.
#[derive(Debug, Clone)]
pub struct Handing<'a> {
    /// The room in the path.
    pub room_id: &'a RoomId,
    /// The event id in the path.
    pub event_id: &'a EventId,
    /// The room's version: as this server knows it, for an invite as the request says.
    pub version: &'a RoomVersionId,
    /// What the endpoint is for: `join`, `knock`, `leave` or `invite`.
    pub membership: MembershipState,
    /// The server that made the request.
    pub origin: &'a ServerName,
    /// This server.
    pub server: &'a ServerName,
}

/// Why an event isn't one to hand to that endpoint. All are `M_INVALID_PARAM` or `M_BAD_JSON` to the other server.
#[derive(Debug, thiserror::Error)]
pub enum HandedError {
    /// It is no event of the room in the path.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It has another id than the one in the path.
    #[error("event has another id than the path")]
    OtherEvent,
    /// "The event type is not m.room.member", or it isn't state.
    #[error("event is not a membership")]
    NotAMembership,
    /// "The membership field inside the event content is not" what the endpoint is for.
    #[error("event has another membership than the endpoint is for")]
    OtherMembership,
    /// "The event sender is not a user ID on the origin server."
    #[error("sender is not a user of the server that sent the request")]
    NotOfOrigin,
    /// "The state_key is not equal to the sender."
    #[error("state key is not the sender")]
    NotOfSender,
    /// "The state_key is not a user ID on the receiving server", for an invite.
    #[error("nobody here is invited")]
    NotForUs,
    /// It has `join_authorised_via_users_server`, and isn't a join that a user of this server authorizes.
    #[error("join is authorized by somebody else than a user of this server")]
    Authorizer,
    /// A signature is missing or wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Its content isn't what was signed, so it isn't from who made it.
    #[error("content of the event is not what was signed")]
    Altered,
}

/// A membership that may be handed over, before its signatures were checked. Can be had from [`check_handed`] alone.
#[derive(Debug, Clone)]
pub struct Handed {
    event: Unverified,
    server: OwnedServerName,
}

/// Checks that the body is the membership that the endpoint is for, of a user that the requesting server answers for.
///
/// # Errors
///
/// Nothing of it may be stored or signed; see [`HandedError`].
///
/// # Spec
///
/// [`PUT /send_join`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid),
/// [`PUT /invite`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid)
pub fn check_handed(json: &str, handing: &Handing<'_>) -> Result<Handed, HandedError> {
    let event = read(json, handing.room_id, handing.version)?;
    if event.event_id() != handing.event_id {
        return Err(HandedError::OtherEvent);
    }
    let Some(target) = event.state_key().filter(|_| event.kind() == "m.room.member") else {
        return Err(HandedError::NotAMembership);
    };
    if event.membership() != Some(handing.membership.as_str()) {
        return Err(HandedError::OtherMembership);
    }
    if event.sender().server_name() != handing.origin {
        return Err(HandedError::NotOfOrigin);
    }
    if handing.membership == MembershipState::Invite {
        let is_ours = UserId::parse(target).is_ok_and(|user| user.server_name() == handing.server);
        if !is_ours {
            return Err(HandedError::NotForUs);
        }
    } else if target != event.sender().as_str() {
        return Err(HandedError::NotOfSender);
    }
    if event.names_authorizer() {
        let is_ours = event
            .authorizer()
            .is_some_and(|user| user.server_name() == handing.server);
        if !is_ours || handing.membership != MembershipState::Join {
            return Err(HandedError::Authorizer);
        }
    }
    Ok(Handed {
        event,
        server: handing.server.to_owned(),
    })
}

impl Handed {
    /// The event, to ask what keys must be fetched. This server's own is not among them.
    pub fn event(&self) -> &Unverified {
        &self.event
    }

    /// The servers whose keys must be fetched: those that must have signed, without this one.
    pub fn signers(&self) -> Vec<OwnedServerName> {
        let mut signers = self.event.signers();
        signers.remove(&self.server);
        // An invite that comes of a third-party invite has no signer by the rules; here its sender is the origin.
        signers.insert(self.event.sender().server_name().to_owned());
        signers.into_iter().collect()
    }

    /// Checks the signatures, and adds this server's: of an invite always, of another membership if a user of this
    /// server authorizes it.
    ///
    /// The event must not leave this server before the authorization rules allowed it, and for a restricted join the
    /// conditions too. It has the same id as the one handed in.
    ///
    /// # Errors
    ///
    /// [`HandedError::Signature`] and [`HandedError::Altered`].
    ///
    /// # Spec
    ///
    /// [Joining rooms](https://spec.matrix.org/v1.19/server-server-api/#joining-rooms): "The resident homeserver then
    /// adds its signature to this event"
    pub fn verify(self, keys: &PublicKeyMap, key: &Ed25519KeyPair) -> Result<Received, HandedError> {
        let signers = self.signers();
        let countersigns =
            self.event.membership() == Some("invite") || self.event.signers().contains(&self.server);
        let countersigner = countersigns.then_some((&*self.server, key));
        let received = self.event.verify_by(signers, keys, countersigner)?;
        match received.kept {
            Kept::Whole => Ok(received),
            Kept::RedactedForHash | Kept::RedactedForNul => Err(HandedError::Altered),
        }
    }
}

#[cfg(test)]
mod tests;
