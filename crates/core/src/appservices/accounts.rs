//! Accounts of application services, and signing in to them.

use std::sync::Arc;

use rohrpost_store::{Tx, UserState, Work};
use ruma::{OwnedUserId, UserId};

use crate::{
    Caller, Refusal, Result, Server,
    accounts::{
        register::{NewAccount, Registered},
        sign_in::{NewDevice, SignIn, SignedIn},
    },
    appservices::Appservice,
};

/// An account that a service wants.
pub struct RegisterUser {
    /// Who calls; must be a service.
    pub caller: Option<Caller>,
    /// The part of the user id before the server name.
    pub username: String,
    /// The device to sign in on. `None`: the account only.
    pub device: Option<NewDevice>,
}

fn service<'a>(server: &'a Server, caller: Option<&Caller>) -> Result<&'a Arc<Appservice>> {
    let id = caller
        .ok_or(Refusal::MissingToken)?
        .appservice
        .as_ref()
        .ok_or(Refusal::UnknownToken { soft_logout: false })?;
    let service = server.settings.appservices.get(id);
    service.ok_or(Refusal::UnknownToken { soft_logout: false })
}

/// Makes an account in the names of a service. It has no password.
///
/// # Errors
/// `UnknownToken` when no service calls, `Exclusive` for other names, `UserInUse`; `AppserviceLoginUnsupported` with a
/// device, where people sign in with OAuth 2.0 alone.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions>
pub async fn register(server: &Arc<Server>, wanted: RegisterUser) -> Result<Registered> {
    let service = service(server, wanted.caller.as_ref())?;
    if wanted.device.is_some() && !server.settings.legacy_login {
        return Err(Refusal::AppserviceLoginUnsupported);
    }
    let invalid = || Refusal::InvalidUsername("this can't be part of a user id".to_owned());
    let user_id = UserId::parse(format!("@{}:{}", wanted.username, server.name())).map_err(|_| invalid())?;
    if wanted.username.contains(':') || user_id.validate_strict().is_err() {
        return Err(invalid());
    }
    if !service.owns_user(&user_id) || server.settings.appservices.keep_user(&user_id, Some(&service.id)) {
        return Err(Refusal::Exclusive);
    }
    let sign_in = wanted
        .device
        .map(|device| SignIn::new(server, device))
        .transpose()?;
    let account = NewAccount::new(server, user_id, None).await?;
    server.store.write(Unit { account, sign_in }).await
}

struct Unit {
    account: NewAccount,
    sign_in: Option<SignIn>,
}

impl Work for Unit {
    type Out = Registered;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered> {
        self.account.run(tx, false).await?;
        let user_id = self.account.user_id().clone();
        let signed_in = match &self.sign_in {
            Some(sign_in) => {
                sign_in.run(tx, &user_id).await?;
                Some(sign_in.signed_in(user_id.clone()))
            }
            None => None,
        };
        Ok(Registered { user_id, signed_in })
    }
}

/// Makes the account of a service itself, at its first request.
pub(crate) async fn make_sender(server: &Arc<Server>, service: &Appservice) -> Result<()> {
    let account = NewAccount::new(server, service.sender.clone(), None).await?;
    let unit = Unit {
        account,
        sign_in: None,
    };
    match server.store.write(unit).await {
        Ok(_) | Err(Refusal::UserInUse) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Signs a user of a service in, without a password.
///
/// # Errors
/// `UnknownToken` when no service calls; `Exclusive` for a user of others; `Forbidden` when there is no such account.
pub async fn login(
    server: &Arc<Server>,
    caller: Option<&Caller>,
    user: &str,
    device: NewDevice,
) -> Result<SignedIn> {
    let service = service(server, caller)?;
    let unknown = || Refusal::Forbidden("there is no such account".to_owned());
    let user_id = UserId::parse_with_server_name(user, server.name()).map_err(|_| unknown())?;
    if !service.owns_user(&user_id) || !server.is_local(&user_id) {
        return Err(Refusal::Exclusive);
    }
    let sign_in = SignIn::new(server, device)?;
    server.store.write(Login { user_id, sign_in }).await
}

struct Login {
    user_id: OwnedUserId,
    sign_in: SignIn,
}

impl Work for Login {
    type Out = SignedIn;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<SignedIn> {
        let user = tx.user_lock(&self.user_id).await?;
        if user.is_none_or(|user| user.state != UserState::Active) {
            return Err(Refusal::Forbidden("there is no such account".to_owned()));
        }
        self.sign_in.run(tx, &self.user_id).await?;
        Ok(self.sign_in.signed_in(self.user_id.clone()))
    }
}
