//! What people do with their account on the account page.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#oauth-20-account-management>

use std::sync::Arc;

use rohrpost_store::{StoreError, Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use super::page::{self, PageSecret};
use crate::{
    Caller, Result, Server,
    accounts::{
        deactivate::{self, Traces},
        login,
        password::Password,
        profile::{self, ProfileChange},
        uia::Proof,
    },
    devices::{
        list::{ListedDevice, list},
        remove::remove,
    },
};

/// How long somebody has to replace their identity after they allowed it.
pub(crate) const RESET_MS: i64 = 10 * 60 * 1000;

/// An account, as its owner sees it.
pub struct Account {
    /// Whose it is.
    pub user_id: OwnedUserId,
    /// Their name.
    pub display_name: Option<String>,
    /// Where they are signed in.
    pub devices: Vec<ListedDevice>,
}

struct AllowReset {
    user_id: OwnedUserId,
    now_ts: i64,
}

/// The account of whoever is signed in to the page.
///
/// # Errors
/// `UnknownToken` when nobody is.
pub async fn account(server: &Arc<Server>, secret: &PageSecret) -> Result<Account> {
    let caller = page::caller(server, secret).await?;
    let profile = profile::local(server, caller.user_id.clone()).await?;
    Ok(Account {
        user_id: caller.user_id.clone(),
        display_name: profile.profile.display_name,
        devices: list(server, caller).await?,
    })
}

/// Whether a program was signed in by OAuth 2.0, so that its user manages the account on the page and not in it.
///
/// # Errors
/// Only when the store fails.
pub async fn is_by_oauth(server: &Arc<Server>, caller: &Caller) -> Result<bool> {
    let hash = caller.token_hash;
    let read = server
        .store
        .read(move |tx| Box::pin(async move { tx.oauth_grant_of_token(&hash).await }));
    Ok(read.await?.is_some())
}

/// Changes the name that others see.
///
/// # Errors
/// As [`account`]; `InvalidParam` when the name is too long.
pub async fn rename(server: &Arc<Server>, secret: &PageSecret, display_name: String) -> Result<()> {
    let caller = page::caller(server, secret).await?;
    let user_id = caller.user_id.clone();
    let name = Some(display_name).filter(|name| !name.trim().is_empty());
    profile::set(server, caller, user_id, ProfileChange::DisplayName(name)).await
}

/// Signs out on a device. A device that isn't there is no error.
///
/// # Errors
/// As [`account`].
pub async fn sign_out_device(
    server: &Arc<Server>,
    secret: &PageSecret,
    device_id: OwnedDeviceId,
) -> Result<()> {
    let caller = page::caller(server, secret).await?;
    remove(server, caller, vec![device_id], Proof::of_page()).await
}

/// Closes the account for good. The password is asked for once more.
///
/// # Errors
/// As [`account`]; `Forbidden` when the password is wrong.
pub async fn close(
    server: &Arc<Server>,
    secret: &PageSecret,
    password: &Password,
    traces: Traces,
) -> Result<()> {
    let caller = page::caller(server, secret).await?;
    if login::verify(server, Some(&caller.user_id), password)
        .await?
        .is_none()
    {
        return Err(login::refused());
    }
    deactivate::deactivate(server, caller, traces, Proof::of_page()).await
}

/// Allows the identity of the user to be replaced, once, within ten minutes.
///
/// # Errors
/// As [`account`].
pub async fn allow_identity_reset(server: &Arc<Server>, secret: &PageSecret) -> Result<()> {
    let caller = page::caller(server, secret).await?;
    let unit = AllowReset {
        user_id: caller.user_id,
        now_ts: server.now_ts(),
    };
    Ok(server.store.write(unit).await?)
}

impl Work for AllowReset {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.oauth_identity_reset_allow(&self.user_id, self.now_ts).await
    }
}
