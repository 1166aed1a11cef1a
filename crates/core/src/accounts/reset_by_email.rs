//! Sets a new password for somebody who forgot theirs and can read mail at an address of their account.

use std::sync::Arc;

use rohrpost_store::{Tx, UserState, Work};
use ruma::api::client::uiaa::{AuthFlow, AuthType};

use crate::{
    Refusal, Result, Server,
    accounts::{
        change_password::OtherDevices,
        password::{self, Password},
        uia::Proof,
    },
    devices::changed::changed,
};

struct Unit {
    hash: String,
    devices: OtherDevices,
    proof: Proof,
}

/// The way of those who aren't signed in: the link in a mail.
///
/// # Errors
/// `MissingToken` where there is no mail server: then only who is signed in can change a password.
pub fn flows(server: &Server) -> Result<Vec<AuthFlow>> {
    match &server.settings.email {
        Some(_) => Ok(vec![AuthFlow::new(vec![AuthType::EmailIdentity])]),
        None => Err(Refusal::MissingToken),
    }
}

/// Sets the password of the account that the shown address belongs to.
///
/// # Errors
/// `WeakPassword`; `ThreepidAuthFailed` when no account has the address any more.
pub async fn reset_by_email(
    server: &Arc<Server>,
    new: &Password,
    devices: OtherDevices,
    proof: Proof,
) -> Result<()> {
    new.check(&server.settings)?;
    let hash = password::hash(server, new).await?;
    server.store.write(Unit { hash, devices, proof }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        self.proof.consume(tx).await?;
        let address = self.proof.email(tx).await?.ok_or(Refusal::ThreepidAuthFailed)?;
        let user_id = tx
            .third_party_id_owner(&address)
            .await?
            .ok_or(Refusal::ThreepidAuthFailed)?;
        // Whoever signs in with the old password at this moment comes before or fails.
        let user = tx.user_lock(&user_id).await?;
        if !user.is_some_and(|user| user.state == UserState::Active) {
            return Err(Refusal::ThreepidAuthFailed);
        }
        tx.user_set_password(&user_id, Some(&self.hash)).await?;
        if self.devices == OtherDevices::SignOut && tx.device_delete_all(&user_id, None).await? > 0 {
            changed(tx, &user_id).await?;
        }
        Ok(())
    }
}
