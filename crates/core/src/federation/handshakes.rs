//! Memberships that users of other servers want in rooms of this server.
//!
//! It goes in two steps. The other server asks for a template ([`make`]); it signs an event made of it, and hands it over
//! ([`send_join`], [`send_leave`], [`send_knock`]), which is checked anew from the beginning ([`handed`]).
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

mod handed;
pub mod make;
pub mod send_join;
pub mod send_knock;
pub mod send_leave;
mod take;

use rohrpost_store::Tx;
use ruma::UserId;

use crate::{
    Refusal, Result,
    rooms::{
        head::Head,
        restricted::{Host, host_for_other},
    },
};

/// A room in which this server has nobody, or that isn't there: the same words.
fn no_such_room() -> Refusal {
    Refusal::not_found("a room of this id was")
}

/// Who must let a user of another server in, if anybody.
///
/// # Errors
/// `Forbidden` when they don't meet the conditions; `UnableToAuthorizeJoin` and `UnableToGrantJoin` where another server
/// should be asked.
async fn host(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<Option<ruma::OwnedUserId>> {
    match host_for_other(tx, head, user_id).await? {
        Host::NotNeeded => Ok(None),
        Host::User(host) => Ok(Some(host)),
        Host::NobodyMay => Err(Refusal::UnableToGrantJoin),
        Host::Unknown => Err(Refusal::UnableToAuthorizeJoin),
        Host::NotWelcome => Err(Refusal::Forbidden(
            "this room is for members of other rooms, and you are in none of them".to_owned(),
        )),
    }
}
