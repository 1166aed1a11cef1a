//! What is known of where somebody is signed in. Addresses are not kept.

use std::sync::Arc;

use ruma::OwnedUserId;

use crate::{Caller, Refusal, Result, Server, devices::list::ListedDevice};

/// The devices of a user, for themselves and for administrators.
///
/// # Errors
/// `Forbidden` for everybody else, whether there is such an account or not; `NotFound`.
pub async fn whois(server: &Arc<Server>, caller: &Caller, user_id: OwnedUserId) -> Result<Vec<ListedDevice>> {
    if caller.user_id != user_id && !caller.administrator {
        return Err(Refusal::Forbidden(
            "this is for administrators of this server".to_owned(),
        ));
    }
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            if tx.user_get(&user_id).await?.is_none() {
                return Err(Refusal::not_found("account"));
            }
            Ok(tx.device_list(&user_id).await?)
        })
    });
    Ok(reading.await?.into_iter().map(Into::into).collect())
}
