//! Presence is off: who is at work when is nobody's business. Clients may send it, nothing is kept; everybody is
//! offline to those who share a room with them.

use std::sync::Arc;

use ruma::OwnedUserId;

use crate::{Caller, Refusal, Result, Server};

/// Checks that the caller may ask for the presence of a user.
///
/// # Errors
/// `Forbidden`, in the same words whether or not there is such a user.
pub async fn may_ask(server: &Arc<Server>, caller: &Caller, user_id: OwnedUserId) -> Result<()> {
    if caller.user_id == user_id {
        return Ok(());
    }
    let own = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.membership_is_sharing(&own, &user_id).await?) })
    });
    if reading.await? {
        return Ok(());
    }
    Err(Refusal::Forbidden(
        "you don't share a room with this user".to_owned(),
    ))
}
