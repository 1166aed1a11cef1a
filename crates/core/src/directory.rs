//! Finding rooms and people: aliases, the list of public rooms, the people of this server.
//!
//! Only this server's own. Start with [`aliases`] and [`public_rooms`].

pub mod aliases;
pub mod delete_alias;
pub mod listing;
pub mod networks;
pub mod people;
pub mod public_rooms;

use rohrpost_store::Tx;
use ruma::events::{StateEventType, room::member::MembershipState};

use crate::{Caller, Result, rooms::head::Head};

/// Whether the caller decides how a room is found: joined, with the power to set the canonical alias; or an
/// administrator of this server.
async fn may_administer(tx: &mut Tx<'_>, head: &mut Head, caller: &Caller) -> Result<bool> {
    if caller.administrator {
        return Ok(true);
    }
    let power = head.power(tx).await?;
    Ok(is_joined(tx, head, caller).await?
        && power.may_send_state(&StateEventType::RoomCanonicalAlias, &caller.user_id))
}

async fn is_joined(tx: &mut Tx<'_>, head: &Head, caller: &Caller) -> Result<bool> {
    let member = tx.membership_get(&caller.user_id, head.room.nid).await?;
    Ok(member.is_some_and(|member| member.membership == MembershipState::Join))
}
