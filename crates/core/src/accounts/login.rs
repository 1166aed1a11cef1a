//! Signs in with a password.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Tx, UserState, Work};
use ruma::OwnedUserId;

use crate::{
    Refusal, Result, Server,
    accounts::{
        address_key,
        password::{self, Password},
        restrict::check_not_locked,
        sign_in::{NewDevice, SignIn, SignedIn},
        username::known_user_id,
    },
    limits::Kind,
};

/// Somebody who wants to sign in.
pub struct Login {
    /// The name they give: the localpart or the full user id.
    pub user: String,
    /// The password they give.
    pub password: Password,
    /// The device they sign in on.
    pub device: NewDevice,
    /// Where the request came from.
    pub address: IpAddr,
}

struct Unit {
    user_id: OwnedUserId,
    verified: String,
    rehashed: Option<String>,
    sign_in: SignIn,
}

/// Signs in with a password.
///
/// # Errors
/// `Forbidden` when name and password don't belong together; the words and the time are the same when there is no
/// such account or it is closed. `LimitExceeded` after too many attempts from one address, or too many failed ones
/// on one account.
pub async fn login(server: &Arc<Server>, login: Login) -> Result<SignedIn> {
    let Login {
        user,
        password,
        device,
        address,
    } = login;
    server.limit(Kind::LoginPerAddress, &address_key(address))?;
    let user_id = known_user_id(&user, server.name());
    let sign_in = SignIn::new(server, device)?;
    let verified = verify(server, user_id.as_ref(), &password).await?;
    let (Some(user_id), Some(verified)) = (user_id, verified) else {
        return Err(refused());
    };
    let is_outdated = password::is_outdated(&verified, server.settings.password_cost);
    let rehashed = if is_outdated {
        Some(password::hash(server, &password).await?)
    } else {
        None
    };
    server
        .store
        .write(Unit {
            user_id,
            verified,
            rehashed,
            sign_in,
        })
        .await
}

/// Looks a password over; answers the hash that it fits. Failures are counted by account, whether there is such an
/// account or not.
pub(crate) async fn verify(
    server: &Arc<Server>,
    user_id: Option<&OwnedUserId>,
    password: &Password,
) -> Result<Option<String>> {
    let account = user_id.map_or("", |user_id| user_id.as_str());
    server.limit(Kind::LoginPerAccount, account)?;
    let stored = match user_id.cloned() {
        Some(user_id) => {
            server
                .store
                .read(move |tx| Box::pin(async move { tx.user_get(&user_id).await }))
                .await?
        }
        None => None,
    };
    let hash = stored
        .filter(|user| user.state == UserState::Active)
        .and_then(|user| user.password_hash);
    if password::verify(server, password, hash.as_deref()).await? {
        // Only failures count.
        server.limits.give_back(Kind::LoginPerAccount, account);
        return Ok(hash);
    }
    Ok(None)
}

/// The refusal of a name and password that don't belong together: the same whatever is wrong.
pub(crate) fn refused() -> Refusal {
    Refusal::Forbidden("the name or the password is wrong; please check both".to_owned())
}

impl Work for Unit {
    type Out = SignedIn;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<SignedIn> {
        // The password may have been changed, or the account closed, since it was looked at.
        let user = tx.user_lock(&self.user_id).await?;
        let is_current = |user: &rohrpost_store::UserRow| {
            user.state == UserState::Active && user.password_hash.as_ref() == Some(&self.verified)
        };
        if !user.as_ref().is_some_and(is_current) {
            return Err(refused());
        }
        check_not_locked(tx, &self.user_id).await?;
        if let Some(hash) = &self.rehashed {
            tx.user_set_password(&self.user_id, Some(hash)).await?;
        }
        self.sign_in.run(tx, &self.user_id).await?;
        Ok(self.sign_in.signed_in(self.user_id.clone()))
    }
}
