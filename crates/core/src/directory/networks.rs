//! The lists of rooms that application services keep for their networks.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedRoomId, api::client::room::Visibility};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::{Appservice, transactions::concerns},
    directory::listing::is_public,
};

/// Longest name of a network, in bytes.
const MAX_NETWORK_BYTES: usize = 255;
/// Rooms on all lists of one service.
const MAX_LISTINGS: i64 = 100_000;

struct Unit {
    server: Arc<Server>,
    service: Arc<Appservice>,
    network: String,
    room_id: OwnedRoomId,
    is_public: bool,
}

/// Puts a room on the list of one of the calling service's networks, or takes it off.
///
/// # Errors
/// `Forbidden` unless a service calls, and for rooms that neither it nor one of its users is in and that aren't in
/// its names; `InvalidParam` for a visibility or a name of a network that can't be.
///
/// # Spec
/// [Published room directories](https://spec.matrix.org/v1.19/application-service-api/#published-room-directories)
pub async fn set(
    server: &Arc<Server>,
    caller: &Caller,
    network: String,
    room_id: OwnedRoomId,
    visibility: Visibility,
) -> Result<()> {
    let service = caller.appservice.as_deref();
    let service = service.and_then(|id| server.settings.appservices.get(id));
    let service = service.ok_or_else(|| Refusal::Forbidden("this is for application services".to_owned()))?;
    if network.is_empty() || network.len() > MAX_NETWORK_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "the name of a network has 1 to {MAX_NETWORK_BYTES} bytes"
        )));
    }
    let unit = Unit {
        server: Arc::clone(server),
        service: Arc::clone(service),
        network,
        room_id,
        is_public: is_public(&visibility)?,
    };
    server.store.write(unit).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let head = self.server.heads.read(tx, &self.room_id).await?;
        let (room, id) = (head.room.nid, &*self.service.id);
        // What it listed it may take off, even after its users left.
        if !self.is_public && tx.listing_delete(room, id, &self.network).await? {
            return Ok(());
        }
        if !concerns(&self.service, tx, &head).await? {
            return Err(Refusal::not_in_room());
        }
        if !self.is_public {
            return Ok(());
        }
        if tx.listing_count(id).await? >= MAX_LISTINGS {
            return Err(Refusal::TooLarge(format!(
                "a service may list {MAX_LISTINGS} rooms"
            )));
        }
        Ok(tx.listing_put(room, id, &self.network).await?)
    }
}
