//! Takes a membership in that another server hands over finished, as far as that can be done without the room's state.

use std::sync::Arc;

use rohrpost_room::{
    Pdu,
    handshake::{HandedError, Handing, check_handed},
};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedServerName, events::room::member::MembershipState,
    signatures::PublicKeyMap,
};
use serde_json::value::RawValue;

use super::no_such_room;
use crate::{Refusal, Result, Server, federation::server_keys::keys_at};

/// A membership that another server hands over.
pub struct Handover {
    /// Who hands it over.
    pub origin: OwnedServerName,
    /// The room in the path.
    pub room_id: OwnedRoomId,
    /// The event id in the path.
    pub event_id: OwnedEventId,
    /// The event.
    pub event: Box<RawValue>,
}

/// The event, if it is such a membership of a user of the server that hands it over, signed as it must be. A join that a
/// user of this server authorizes has this server's signature now, too: whether it may be had is still to be decided by
/// the room.
///
/// # Errors
/// `NotFound` when this server isn't in such a room; `InvalidParam` when the event isn't what the endpoint is for;
/// `Forbidden` when it is of others than the server that hands it over, or isn't signed.
pub(super) async fn check(
    server: &Arc<Server>,
    handover: &Handover,
    membership: MembershipState,
) -> Result<Pdu> {
    let (server_, room_id) = (Arc::clone(server), handover.room_id.clone());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let head = server_.heads.peek(tx, &room_id).await?;
            let head = head.filter(|head| !head.local_joined.is_empty());
            Ok::<_, Refusal>(head.ok_or_else(no_such_room)?.room.version)
        })
    });
    let version = reading.await?;
    let handing = Handing {
        room_id: &handover.room_id,
        event_id: &handover.event_id,
        version: &version,
        membership,
        origin: &handover.origin,
        server: server.name(),
    };
    let handed = check_handed(handover.event.get(), &handing).map_err(refused)?;
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
    Ok(received.pdu)
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
