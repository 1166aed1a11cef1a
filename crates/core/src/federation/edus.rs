//! What other servers tell beside events: typing, receipts, presence, messages between devices, changed devices.
//!
//! Each kind stands in a file of its own. They have in common: a server speaks for its own users only; in a room it must be
//! let in by the access control list, and its user must be joined; what doesn't fit is left out without a word, since the
//! server that sent it can do nothing about it, and the same transaction coming again would change nothing.
//!
//! Start reading at [`receive`].
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#edus>

mod device_list;
mod presence;
mod receipt;
mod to_device;
mod typing;

use std::sync::Arc;

use rohrpost_room::ServerAcl;
use rohrpost_store::Tx;
use ruma::{
    RoomId, ServerName, UserId, api::federation::transactions::edu::Edu, events::StateEventType, serde::Raw,
};

use crate::{Result, Server, rooms::head::Head};

/// Takes one piece of news from another server, whose name was proven. What can't be read, is of an unknown type, or isn't
/// the business of that server is ignored.
///
/// # Errors
/// Those of the store.
pub async fn receive(server: &Arc<Server>, origin: &ServerName, edu: Raw<Edu>) -> Result<()> {
    let json = edu.json().get();
    // No text has a use for NUL, and PostgreSQL can't keep it.
    if json.contains("\\u0000") {
        return Ok(());
    }
    match edu.deserialize() {
        Ok(Edu::Typing(content)) => typing::receive(server, origin, content).await,
        Ok(Edu::Receipt(content)) => receipt::receive(server, origin, content).await,
        Ok(Edu::Presence(content)) => presence::receive(server, origin, content).await,
        Ok(Edu::DirectToDevice(content)) => to_device::receive(server, origin, content).await,
        Ok(Edu::DeviceListUpdate(content)) => device_list::receive(server, origin, content.user_id).await,
        Ok(Edu::SigningKeyUpdate(content)) => device_list::receive(server, origin, content.user_id).await,
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether a server may speak for a user.
fn is_of(user_id: &UserId, origin: &ServerName) -> bool {
    user_id.server_name() == origin
}

/// The head of a room in which a server may take part. `None`: there is no such room, or it may not.
async fn room(
    server: &Server,
    tx: &mut Tx<'_>,
    origin: &ServerName,
    room_id: &RoomId,
) -> Result<Option<Head>> {
    let Some(mut head) = server.heads.peek(tx, room_id).await? else {
        return Ok(None);
    };
    let acl = head.state(tx, StateEventType::RoomServerAcl, "").await?;
    Ok(ServerAcl::new(acl.as_deref()).allows(origin).then_some(head))
}
