//! What people keep for themselves: account data, tags, filters, up to where they read; and what they show to
//! others for a moment: receipts and typing.
//!
//! Everything here belongs to one user, and only that user writes it. Start with [`account_data`].

pub mod account_data;
pub mod filters;
pub(crate) mod ignored;
pub(crate) mod invite_permission;
pub mod presence;
pub mod receipts;
pub mod tags;
pub mod typing;

use rohrpost_store::{RoomNid, Tx};
use ruma::{RoomId, UserId};

use crate::{Caller, Refusal, Result};

/// Checks that what is asked for belongs to the caller.
///
/// # Errors
/// `Forbidden`, in the same words whether or not there is such a user.
pub fn own(caller: &Caller, user_id: &UserId) -> Result<()> {
    if caller.user_id == user_id {
        return Ok(());
    }
    Err(Refusal::Forbidden("this belongs to somebody else".to_owned()))
}

/// The number of a room that the user has or had to do with.
async fn known_room(tx: &mut Tx<'_>, user_id: &UserId, room_id: &RoomId) -> Result<RoomNid> {
    let room = tx.room_get(room_id).await?.ok_or_else(Refusal::not_in_room)?;
    let member = tx.membership_get(user_id, room.nid).await?;
    member.map(|_| room.nid).ok_or_else(Refusal::not_in_room)
}
