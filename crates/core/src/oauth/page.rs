//! Who is signed in to the server's own pages, for consent and account management.
//!
//! The page keeps what it is given in its memory and shows it with each request. It is never in a cookie, so no other
//! page can make a browser show it; it ends after a quarter of an hour, with the page, and with the password.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{OAuthPageSession, StoreError, Tx, UserState, Work};
use ruma::{OwnedDeviceId, OwnedUserId};
use subtle::ConstantTimeEq;

use crate::{
    Caller, Refusal, Result, Server,
    accounts::{address_key, login, password::Password, username::known_user_id},
    limits::Kind,
    random,
};

/// How long somebody is signed in to the pages.
const LIFETIME_MS: i64 = 15 * 60 * 1000;

/// What a page shows with each request. No `Debug`.
pub struct PageSecret(pub String);

/// Somebody who signed in to the pages.
pub struct SignedIn {
    /// Who.
    pub user_id: OwnedUserId,
    /// What the page is to show.
    pub secret: PageSecret,
}

struct Unit {
    row: OAuthPageSession,
    now_ts: i64,
}

struct End {
    hash: [u8; 32],
}

/// Signs in to the pages.
///
/// # Errors
/// `Forbidden` when name and password don't belong together, `LimitExceeded` after too many attempts, as at any other
/// sign-in.
pub async fn sign_in(
    server: &Arc<Server>,
    address: IpAddr,
    user: &str,
    password: &Password,
) -> Result<SignedIn> {
    if !server.settings.oauth {
        return Err(Refusal::Unrecognized);
    }
    server.limit(Kind::LoginPerAddress, &address_key(address))?;
    let user_id = known_user_id(user, server.name());
    let verified = login::verify(server, user_id.as_ref(), password).await?;
    let (Some(user_id), Some(verified)) = (user_id, verified) else {
        return Err(login::refused());
    };
    let mut bytes = [0; 32];
    server.rng.fill(&mut bytes);
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let row = OAuthPageSession {
        hash: random::hash(&secret),
        user_id: user_id.clone(),
        password_mark: random::hash(&verified),
    };
    let now_ts = server.now_ts();
    server.store.write(Unit { row, now_ts }).await?;
    Ok(SignedIn {
        user_id,
        secret: PageSecret(secret),
    })
}

/// Who is signed in to a page.
///
/// # Errors
/// `UnknownToken` when nobody is (any more).
pub async fn caller(server: &Arc<Server>, secret: &PageSecret) -> Result<Caller> {
    let (hash, since_ts) = (random::hash(&secret.0), server.now_ts() - LIFETIME_MS);
    let read = server.store.read(move |tx| {
        Box::pin(async move {
            let Some(session) = tx.oauth_page_session_get(&hash, since_ts).await? else {
                return Ok::<_, StoreError>(None);
            };
            let user = tx.user_get(&session.user_id).await?;
            let restrictions = tx.user_restrictions(&session.user_id).await?;
            Ok(user.map(|user| (session, user, restrictions)))
        })
    });
    let found = read.await?.filter(|(session, user, restrictions)| {
        let mark = user.password_hash.as_deref().map(random::hash);
        user.state == UserState::Active
            && !restrictions.locked
            && mark.is_some_and(|mark| bool::from(mark.ct_eq(&session.password_mark)))
    });
    let (session, _, restrictions) = found.ok_or(Refusal::UnknownToken { soft_logout: false })?;
    Ok(Caller {
        user_id: session.user_id,
        device_id: OwnedDeviceId::from(""),
        // Nothing that needs an administrator is done on these pages.
        administrator: false,
        guest: false,
        suspended: restrictions.suspended,
        appservice: None,
        token_hash: [0; 32],
    })
}

/// Signs out of the pages. Again is as once.
///
/// # Errors
/// Only when the store fails.
pub async fn sign_out(server: &Arc<Server>, secret: &PageSecret) -> Result<()> {
    let hash = random::hash(&secret.0);
    Ok(server.store.write(End { hash }).await?)
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.oauth_page_session_insert(&self.row, self.now_ts).await
    }
}

impl Work for End {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.oauth_page_session_delete(&self.hash).await
    }
}
