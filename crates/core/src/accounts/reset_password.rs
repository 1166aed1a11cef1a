//! Sets the password of somebody else's account, for the operator's command line.

use std::sync::Arc;

use rohrpost_store::{Tx, UserState, Work};
use ruma::OwnedUserId;

use crate::{
    Refusal, Result, Server,
    accounts::password::{self, Password},
    devices::changed::changed,
};

struct Unit {
    user_id: OwnedUserId,
    hash: String,
}

/// Sets a password and signs the account out everywhere: whoever had it may not keep it.
///
/// # Errors
/// `NotFound` when there is no such account or it is closed, `WeakPassword`.
pub async fn reset_password(server: &Arc<Server>, user_id: OwnedUserId, new: &Password) -> Result<()> {
    new.check(&server.settings)?;
    let hash = password::hash(server, new).await?;
    server.store.write(Unit { user_id, hash }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user = tx.user_lock(&self.user_id).await?;
        if !user.is_some_and(|user| user.state == UserState::Active) {
            return Err(Refusal::not_found("account"));
        }
        tx.user_set_password(&self.user_id, Some(&self.hash)).await?;
        if tx.device_delete_all(&self.user_id, None).await? > 0 {
            changed(tx, &self.user_id).await?;
        }
        Ok(())
    }
}
