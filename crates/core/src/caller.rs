//! Who makes a request.

use std::sync::Arc;

pub use rohrpost_store::Restrictions;
use rohrpost_store::{TokenKind, Tx, UserState};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId};

use crate::{
    Refusal, Result, Server,
    appservices::act::{self, ActAs},
    devices::seen::seen,
    random,
};

/// A signed-in user on one of their devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device; whether there is one says [`Caller::device`].
    pub device_id: OwnedDeviceId,
    /// May administer this server.
    pub administrator: bool,
    /// A guest: may call what [`authenticate_guest_too`] is asked for, and nothing else.
    pub guest: bool,
    /// May read, but not take part.
    pub suspended: bool,
    /// The application service that acts, itself or as one of its users.
    pub appservice: Option<Arc<str>>,
    /// The hash of the token that was shown: a request that waits looks again whether it still counts.
    pub(crate) token_hash: [u8; 32],
}

impl Caller {
    /// The device. `None`: an application service acts as a user and named none.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceId> {
        let is_none = self.appservice.is_some() && self.device_id.as_str().starts_with(act::NO_DEVICE);
        (!is_none).then_some(&*self.device_id)
    }

    /// Checks that the account may take part, not only read. What a suspended account may do all the same is
    /// everything that doesn't ask this.
    ///
    /// # Errors
    /// `UserSuspended`.
    ///
    /// # Spec
    /// [Account suspension](https://spec.matrix.org/v1.19/client-server-api/#account-suspension)
    pub fn may_take_part(&self) -> Result<()> {
        match self.suspended {
            true => Err(Refusal::UserSuspended),
            false => Ok(()),
        }
    }

    /// Looks again whether whoever waited may go on: they may have been signed out meanwhile, or locked.
    ///
    /// # Errors
    /// `UnknownToken`, `UserLocked`.
    pub(crate) async fn check_still_signed_in(&self, tx: &mut Tx<'_>) -> Result<()> {
        // The token of an application service is one of the configuration.
        if self.appservice.is_some() {
            return Ok(());
        }
        match tx.caller_get(&self.token_hash).await? {
            None => Err(Refusal::UnknownToken { soft_logout: false }),
            Some(row) if row.restrictions.locked => Err(Refusal::UserLocked),
            Some(_) => Ok(()),
        }
    }
}

/// Finds out whose access token this is.
///
/// # Errors
/// `UnknownToken` when it isn't one, or not any more; `UserDeactivated` when the account is closed; `UserLocked`;
/// `GuestAccessForbidden` for a guest.
pub async fn authenticate(server: &Arc<Server>, token: &str) -> Result<Caller> {
    authenticate_as(server, token, &ActAs::default()).await
}

/// The same for a request that says as whom it acts, which only application services may.
///
/// # Errors
/// Those of [`authenticate`]; `Forbidden` when a service may not act so.
pub async fn authenticate_as(server: &Arc<Server>, token: &str, act_as: &ActAs) -> Result<Caller> {
    match authenticate_guest_too(server, token, act_as).await? {
        caller if caller.guest => Err(Refusal::GuestAccessForbidden),
        caller => Ok(caller),
    }
}

/// The same for the few things that guests may do, too.
///
/// # Errors
/// Those of [`authenticate_as`]; `GuestAccessForbidden` for a guest only where the operator wants no guests (any more).
///
/// # Spec
/// [Guest access](https://spec.matrix.org/v1.19/client-server-api/#guest-access)
pub async fn authenticate_guest_too(server: &Arc<Server>, token: &str, act_as: &ActAs) -> Result<Caller> {
    match even_locked(server, token, act_as).await? {
        (_, Restrictions { locked: true, .. }) => Err(Refusal::UserLocked),
        (caller, _) if caller.guest && server.settings.guests.is_none() => Err(Refusal::GuestAccessForbidden),
        (caller, _) => Ok(caller),
    }
}

/// The same, for signing out, which locked accounts may.
///
/// # Errors
/// `UnknownToken`, `UserDeactivated`, `GuestAccessForbidden`.
pub async fn authenticate_even_locked(server: &Arc<Server>, token: &str) -> Result<(Caller, Restrictions)> {
    match even_locked(server, token, &ActAs::default()).await? {
        (caller, _) if caller.guest => Err(Refusal::GuestAccessForbidden),
        found => Ok(found),
    }
}

async fn even_locked(server: &Arc<Server>, token: &str, act_as: &ActAs) -> Result<(Caller, Restrictions)> {
    if token.is_empty() || token.len() > 1024 {
        return Err(Refusal::UnknownToken { soft_logout: false });
    }
    let hash = random::hash(token);
    if let Some(service) = server.settings.appservices.by_token_hash(&hash) {
        return act::caller(server, service, act_as, hash).await;
    }
    let found = server
        .store
        .look_up(move |tx| Box::pin(async move { tx.caller_get(&hash).await }))
        .await;
    let found = found?.filter(|row| row.kind == TokenKind::Access);
    let Some(row) = found else {
        return Err(Refusal::UnknownToken { soft_logout: false });
    };
    if row.state != UserState::Active {
        return Err(Refusal::UserDeactivated);
    }
    if row
        .expires_ts
        .is_some_and(|expires_ts| expires_ts <= server.now_ts())
    {
        return Err(Refusal::UnknownToken { soft_logout: true });
    }
    let caller = Caller {
        user_id: row.user_id.clone(),
        device_id: row.device_id.clone(),
        administrator: row.administrator,
        guest: row.guest,
        suspended: row.restrictions.suspended,
        appservice: None,
        token_hash: hash,
    };
    let restrictions = row.restrictions;
    seen(server, hash, row).await;
    Ok((caller, restrictions))
}
