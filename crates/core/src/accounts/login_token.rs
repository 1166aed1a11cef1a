//! Signs in with a token that a signed-in device asked for, or that the server's own page sent a program.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token>

use std::{net::IpAddr, sync::Arc, time::Duration};

use rohrpost_store::{ShortTokenKind, Tx, UserState, Work};
use ruma::OwnedUserId;

use crate::{
    Caller, Refusal, Result, Server,
    accounts::{
        address_key,
        restrict::check_not_locked,
        sign_in::{NewDevice, SignIn, SignedIn},
        uia::Proof,
    },
    limits::Kind,
    oauth::sso::TOKEN_LIFETIME,
    random,
};

/// How long a token is good for.
pub const LIFETIME: Duration = Duration::from_secs(2 * 60);
/// Characters of a token; five bits each.
const LENGTH: usize = 40;

struct Make {
    user_id: OwnedUserId,
    hash: [u8; 32],
    expires_ts: i64,
    proof: Proof,
}

/// Makes a token by which one more device can sign in to the caller's account.
///
/// # Errors
/// `Uiaa` when the proof was used already.
pub async fn make(server: &Arc<Server>, caller: &Caller, proof: Proof) -> Result<String> {
    make_for(server, caller, proof, LIFETIME).await
}

/// The same for whoever signed in to the server's own page a moment ago, with a token that is good for a shorter time:
/// it stands in an address.
pub(crate) async fn make_on_page(server: &Arc<Server>, caller: &Caller) -> Result<String> {
    make_for(server, caller, Proof::of_page(), TOKEN_LIFETIME).await
}

async fn make_for(server: &Arc<Server>, caller: &Caller, proof: Proof, lifetime: Duration) -> Result<String> {
    let token = random::name(&*server.rng, LENGTH);
    server
        .store
        .write(Make {
            user_id: caller.user_id.clone(),
            hash: random::hash(&token),
            expires_ts: server.now_ts() + lifetime.as_millis() as i64,
            proof,
        })
        .await?;
    Ok(token)
}

impl Work for Make {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        self.proof.consume(tx).await?;
        tx.short_token_insert(&self.hash, ShortTokenKind::Login, &self.user_id, self.expires_ts)
            .await?;
        Ok(())
    }
}

struct Login {
    hash: [u8; 32],
    now_ts: i64,
    sign_in: SignIn,
}

/// Signs in with such a token, which is used up by it.
///
/// # Errors
/// `Forbidden` when it isn't one, or not any more; `UserLocked`; `LimitExceeded` after too many attempts from one
/// address.
pub async fn login(
    server: &Arc<Server>,
    token: &str,
    device: NewDevice,
    address: IpAddr,
) -> Result<SignedIn> {
    server.limit(Kind::LoginPerAddress, &address_key(address))?;
    let login = Login {
        hash: random::hash(token),
        now_ts: server.now_ts(),
        sign_in: SignIn::new(server, device)?,
    };
    server.store.write(login).await
}

fn refused() -> Refusal {
    Refusal::Forbidden("this token is not valid any more; please ask for another one".to_owned())
}

impl Work for Login {
    type Out = SignedIn;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<SignedIn> {
        let taken = tx
            .short_token_take(&self.hash, ShortTokenKind::Login, self.now_ts)
            .await?;
        let user_id = taken.ok_or_else(refused)?;
        let user = tx.user_lock(&user_id).await?;
        if !user.is_some_and(|user| user.state == UserState::Active) {
            return Err(refused());
        }
        check_not_locked(tx, &user_id).await?;
        self.sign_in.run(tx, &user_id).await?;
        Ok(self.sign_in.signed_in(user_id))
    }
}
